package channel

import "yixian/notify"

// NewVoice is a voice-call gateway of the operator's own: it speaks the protocol of HTTPSMS, reads the text out to the
// number, and reports READ when the person confirmed by a key.
func NewVoice(g Guard, s notify.Settings) (*HTTPSMS, error) {
	return newGateway("voice_http", "voice gateway", g, s["url"], []byte(s["secret"]))
}

// NewGatewaySMS is a gateway that a district set up itself.
func NewGatewaySMS(g Guard, s notify.Settings) (*HTTPSMS, error) {
	return newGateway("sms_http", "sms gateway", g, s["url"], []byte(s["secret"]))
}

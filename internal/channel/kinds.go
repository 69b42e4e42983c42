package channel

import "yixian/notify"

func field(name, kind, zh, en string, required bool, help ...string) notify.Field {
	f := notify.Field{Name: name, Type: kind, Chinese: zh, English: en, Required: required}
	if len(help) == 2 {
		f.HelpChinese, f.HelpEng = help[0], help[1]
	}
	return f
}

var (
	gatewayURL    = field("url", notify.FieldURL, "网关地址", "Gateway address", true, "https 地址；政务内网的主机须由运维加入 OUTBOUND_HOSTS", "https; a host inside must be in OUTBOUND_HOSTS")
	gatewaySecret = field("secret", notify.FieldSecret, "签名密钥", "Signing secret", true, "至少 16 字节", "at least 16 bytes")
	endpoint      = field("endpoint", notify.FieldURL, "接口地址", "Endpoint", false, "留空使用服务商的公网地址", "empty: the provider's public address")
	sign          = field("sign_name", notify.FieldText, "短信签名", "Signature of the texts", true)
	reportToken   = field("report_token", notify.FieldSecret, "回执令牌", "Token of receipts", false, "至少 16 位，写在回执地址的 ?token= 后；留空则不接收回执", "at least 16 characters, after ?token= in the callback address; empty: no receipts")
	templateLines = field("templates", notify.FieldLines, "模板对照", "Templates", true, "每行：通知键=服务商模板编号:变量,变量；键写 * 表示其余通知，变量得到全文", "one a line: key=code:value,value; the key * is for all others and gets the whole text")
)

// Kinds lists the sorts of providers that a district can set up, each with its form.
func Kinds(g Guard) []notify.Kind {
	open := func(build func(Guard, notify.Settings) (notify.Channel, error)) func(notify.Settings) (notify.Channel, error) {
		return func(s notify.Settings) (notify.Channel, error) { return build(g, s) }
	}
	return []notify.Kind{
		{ID: "sms_aliyun", Channel: notify.SMS, Chinese: "阿里云短信", English: "Alibaba Cloud SMS", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewAliyunSMS(g, s) }),
			Fields: []notify.Field{field("access_key_id", notify.FieldText, "AccessKey ID", "AccessKey ID", true), field("access_key_secret", notify.FieldSecret, "AccessKey Secret", "AccessKey Secret", true), sign, templateLines, reportToken, endpoint}},
		{ID: "sms_tencent", Channel: notify.SMS, Chinese: "腾讯云短信", English: "Tencent Cloud SMS", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewTencentSMS(g, s) }),
			Fields: []notify.Field{field("secret_id", notify.FieldText, "SecretId", "SecretId", true), field("secret_key", notify.FieldSecret, "SecretKey", "SecretKey", true), field("sdk_app_id", notify.FieldText, "SdkAppId", "SdkAppId", true), sign,
				field("region", notify.FieldText, "地域", "Region", false), templateLines, reportToken, endpoint}},
		{ID: "sms_http", Channel: notify.SMS, Chinese: "短信网关（HTTP）", English: "SMS gateway (HTTP)", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewGatewaySMS(g, s) }), Fields: []notify.Field{gatewayURL, gatewaySecret}},
		{ID: "voice_http", Channel: notify.Voice, Chinese: "语音外呼网关", English: "Voice-call gateway", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewVoice(g, s) }), Fields: []notify.Field{gatewayURL, gatewaySecret}},
		{ID: "email_smtp", Channel: notify.Email, Chinese: "电子邮件（SMTP）", English: "E-mail (SMTP)", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewSMTP(g, s) }),
			Fields: []notify.Field{field("host", notify.FieldText, "服务器", "Server", true), field("port", notify.FieldNumber, "端口", "Port", false), field("security", notify.FieldText, "加密（starttls、tls、none）", "Security (starttls, tls, none)", false),
				field("username", notify.FieldText, "用户名", "User name", false), field("password", notify.FieldSecret, "密码", "Password", false), field("from", notify.FieldText, "发件人地址", "Sender", true)}},
		{ID: "wechat_mp", Channel: notify.WeChat, Chinese: "微信公众号模板消息", English: "WeChat Official Account", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewWeChatMP(g, s) }),
			Fields: []notify.Field{field("app_id", notify.FieldText, "AppID", "AppID", true), field("app_secret", notify.FieldSecret, "AppSecret", "AppSecret", true), templateLines, field("page", notify.FieldURL, "点击后打开的页面", "Page behind the message", false), endpoint}},
		{ID: "group_wecom", Channel: notify.Group, Chinese: "企业微信群机器人", English: "WeCom group robot", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewWeCom(g, s) }),
			Fields: []notify.Field{field("url", notify.FieldSecret, "机器人 Webhook 地址", "Robot's webhook address", true)}},
		{ID: "group_dingtalk", Channel: notify.Group, Chinese: "钉钉群机器人", English: "DingTalk group robot", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewDingTalk(g, s) }),
			Fields: []notify.Field{field("url", notify.FieldSecret, "机器人 Webhook 地址", "Robot's webhook address", true), field("secret", notify.FieldSecret, "加签密钥", "Signing secret", true)}},
		{ID: "webhook", Channel: notify.Webhook, Chinese: "Webhook", English: "Webhook", Open: open(func(g Guard, s notify.Settings) (notify.Channel, error) { return NewHook(g, s) }), Fields: []notify.Field{field("url", notify.FieldURL, "地址", "Address", true), gatewaySecret}},
	}
}

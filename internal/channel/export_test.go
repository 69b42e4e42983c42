package channel

import "time"

// SetTimeout shortens the wait of one gateway.
func (c *HTTPSMS) SetTimeout(d time.Duration) { c.client.Timeout = d }

// Package app is the composition root: it reads the configuration, builds every part, runs them and stops them in
// order, and carries out the commands of the program. It is the only place that knows all packages.
package app

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"

	"yixian/internal/pg"
)

// Zone is the zone of the people this program serves.
const Zone = pg.Zone

// Config comes from the environment; flags of `yixian serve` override the first group. The doc tags make the table
// of docs/config.md (go test ./internal/app -update) and what `yixian doctor` prints.
type Config struct {
	Listen      string `env:"LISTEN" envDefault:"127.0.0.1:8080" doc:"address of the API and the pages"`
	AdminListen string `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:0" doc:"loopback address of metrics and pprof; empty: off"`
	Data        string `env:"DATA" envDefault:"./data" doc:"data directory: private PostgreSQL, photos, key file"`
	Role        string `env:"ROLE" envDefault:"all" doc:"all, api or engine"`
	Sandbox     bool   `env:"SANDBOX" envDefault:"false" doc:"practice mode with a clock that can be moved"`
	SandboxHere bool   `env:"SANDBOX_ON_THIS_DATABASE" envDefault:"false" doc:"allow the sandbox on DATABASE_URL (everything there is replaced)"`

	DatabaseURL       string `env:"DATABASE_URL" doc:"PostgreSQL of the web role; empty: a private server under DATA" secret:"true"`
	DatabaseOwnerURL  string `env:"DATABASE_OWNER_URL" doc:"the schema's owner, for migrations; default DATABASE_URL" secret:"true"`
	DatabaseEngineURL string `env:"DATABASE_ENGINE_URL" doc:"the engine's role; default DATABASE_URL" secret:"true"`
	DatabaseConns     int32  `env:"DATABASE_CONNS" envDefault:"16" doc:"connections of the web pool"`
	RedisURL          string `env:"REDIS_URL" doc:"redis://… ; empty: redis-server under DATA, else an in-process stand-in" secret:"true"`
	KeyFile           string `env:"KEY_FILE" doc:"keys of personal data, mode 0600; default DATA/keys.json"`

	PhotoStore   string `env:"PHOTO_STORE" doc:"folder of photos, or s3://KEY:SECRET@host/bucket/prefix?region=…&tls=false; default DATA/photos" secret:"true"`
	OriginalDays int    `env:"ORIGINAL_DAYS" envDefault:"365" doc:"days that a photo's private original is kept, with what its camera noted"`
	PhotoDays    int    `env:"PHOTO_DAYS" envDefault:"1095" doc:"days that the clean copies of a photo are kept"`

	FontFile       string            `env:"FONT_FILE" doc:"font with Chinese characters for printed stickers (TTF, OTF or TTC); default: looked for on the system"`
	PublicURL      string            `env:"PUBLIC_URL" doc:"address residents use; links in messages begin with it; default http://LISTEN"`
	SecureCookies  bool              `env:"SECURE_COOKIES" envDefault:"false" doc:"true behind TLS: __Host- cookies only over HTTPS"`
	TrustedProxies []string          `env:"TRUSTED_PROXIES" doc:"addresses whose X-Forwarded-For is believed"`
	Hosts          map[string]string `env:"HOSTS" doc:"host:district pairs for several districts on one installation"`

	SMSFile    string `env:"SMS_FILE" doc:"file sink of SMS (JSON lines, mode 0600); empty: the log, number masked"`
	SMSURL     string `env:"SMS_URL" doc:"signed HTTP gateway for SMS"`
	OTPPerHour int    `env:"OTP_PER_HOUR" envDefault:"3000" doc:"one-time codes that the whole installation sends in an hour; from 30 % left on a device does a little work first"`
	SMSSecret  string `env:"SMS_SECRET" doc:"secret of the gateway's signature" secret:"true"`

	OutboundHosts []string `env:"OUTBOUND_HOSTS" doc:"hosts inside the own net that providers, mail servers and webhooks may be on, as host or host=address; all others must be on the public net"`

	LogLevel string `env:"LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error"`

	Demo bool `env:"DEMO" envDefault:"false" doc:"load the demo district into an empty database at start"`
}

// ReadConfig reads the environment.
func ReadConfig() (Config, error) {
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Prefix: "", Environment: prefixed(os.Environ())}); err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// prefixed lets every setting be given as YIXIAN_X as well as X; the longer name wins.
func prefixed(environ []string) map[string]string {
	out := map[string]string{}
	for _, pass := range []bool{false, true} {
		for _, kv := range environ {
			k, v, _ := strings.Cut(kv, "=")
			short, long := strings.CutPrefix(k, "YIXIAN_")
			if long == pass {
				out[short] = v
			}
		}
	}
	return out
}

// finish fills what follows from other settings and refuses what cannot be.
func (c *Config) finish() error {
	if c.Role != "all" && c.Role != "api" && c.Role != "engine" {
		return usage("ROLE 应为 all、api 或 engine 之一 / ROLE must be all, api or engine")
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return usage("监听地址 %q 无效，例如 127.0.0.1:8080 / the listen address must look like 127.0.0.1:8080", c.Listen)
	}
	if c.Sandbox {
		if c.DatabaseURL != "" && !c.SandboxHere {
			return usage("练习模式会清空数据库，不能用于 DATABASE_URL；如确需如此，请加 --sandbox-on-this-database / the sandbox replaces everything in its database: add --sandbox-on-this-database to allow it on DATABASE_URL")
		}
		c.Data = filepath.Join(c.Data, "sandbox")
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "keys.json")
	}
	if c.PhotoStore == "" {
		c.PhotoStore = filepath.Join(c.Data, "photos")
	}
	if c.OriginalDays < 1 || c.PhotoDays < c.OriginalDays {
		return usage("ORIGINAL_DAYS 至少为 1，PHOTO_DAYS 不得小于 ORIGINAL_DAYS / ORIGINAL_DAYS must be at least 1 and PHOTO_DAYS not below it")
	}
	if c.DatabaseOwnerURL == "" {
		c.DatabaseOwnerURL = c.DatabaseURL
	}
	if c.DatabaseEngineURL == "" {
		c.DatabaseEngineURL = c.DatabaseURL
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/") + "/"
	return nil
}

func (c *Config) level() slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(c.LogLevel)) != nil {
		return slog.LevelInfo
	}
	return l
}

// Setting is one line of the configuration table.
type Setting struct{ Name, Default, Doc, Value string }

// Settings lists every setting; secrets show only whether they are set.
func (c Config) Settings() []Setting {
	var out []Setting
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		s := Setting{Name: f.Tag.Get("env"), Default: f.Tag.Get("envDefault"), Doc: f.Tag.Get("doc"), Value: fmt.Sprint(v.Field(i).Interface())}
		if f.Tag.Get("secret") == "true" && s.Value != "" {
			s.Value = "(set)"
		}
		out = append(out, s)
	}
	return out
}

// UsageError is a mistake in flags or settings: exit code 2.
type UsageError struct{ text string }

func (e UsageError) Error() string { return e.text }

func usage(format string, args ...any) error { return UsageError{fmt.Sprintf(format, args...)} }

func (c *Config) postgresDir() string { return filepath.Join(c.Data, "postgres") }

// Usage makes a usage error: exit code 2.
func Usage(text string) error { return UsageError{text} }

package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"marketplace.example/trials/internal/domain/monitoring"
)

// certificate is the one that the API shows, read again when its files change:
// whoever renews it need not stop the API.
type certificate struct {
	certFile, keyFile string
	log               *zap.Logger

	now func() time.Time

	mu   sync.Mutex
	read [sha256.Size]byte // of both files' contents
	pair *tls.Certificate
	// said is the error that was logged last; empty once the files are good.
	said string
}

// newCertificate reads the files, which config has found to fit together.
func newCertificate(certFile, keyFile string, log *zap.Logger, now func() time.Time) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	if err := c.refresh(); err != nil {
		return nil, err
	}
	c.log.Log(certificateLevel(c.current().State(now())), "certificate read", zap.Time("from", c.current().From), zap.Time("until", c.current().Until))
	return c, nil
}

// certificateLevel is how grave the state of a certificate is.
func certificateLevel(state monitoring.State) zapcore.Level {
	switch state {
	case monitoring.Unhealthy:
		return zapcore.ErrorLevel
	case monitoring.Degraded:
		return zapcore.WarnLevel
	default:
		return zapcore.InfoLevel
	}
}

// refresh reads the files, and takes the pair where their contents are others than before: whoever copies files
// may keep or set back their times. Where they do not fit together the pair that was read stays, and so it does
// where the new one has expired, or is not good yet, and the old one is good: it is taken once its time has come.
func (c *certificate) refresh() error {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE: reading the certificate: %w", err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS_KEY_FILE: reading its key: %w", err)
	}
	read := sha256.Sum256(append(append(append([]byte{}, cert...), 0), key...))
	if read == c.read {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE: reading the certificate: %w", err)
	}
	if c.pair != nil {
		if refused := refusedBecause(pair.Leaf, c.now()); refused != "" && refusedBecause(c.pair.Leaf, c.now()) == "" {
			return fmt.Errorf("TLS_CERT_FILE: the new certificate %s", refused)
		}
		c.log.Info("certificate renewed", zap.Time("expires", pair.Leaf.NotAfter))
	}
	c.pair, c.read = &pair, read
	return nil
}

// refusedBecause is why clients refuse a certificate at a moment; empty where its dates are good.
func refusedBecause(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "expired " + leaf.NotAfter.UTC().Format(time.RFC3339)
	case now.Before(leaf.NotBefore):
		return "is not good before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	}
	return ""
}

// renew is refresh, whose error is logged once, and not with every connection.
func (c *certificate) renew() {
	said := ""
	if err := c.refresh(); err != nil {
		if said = err.Error(); said != c.said {
			c.log.Error("the certificate is not read again", zap.Error(err))
		}
	}
	c.said = said
}

// current is from when until when the pair that was read is good.
func (c *certificate) current() monitoring.Validity {
	return monitoring.Validity{From: c.pair.Leaf.NotBefore, Until: c.pair.Leaf.NotAfter}
}

// validity reads the files anew, and is from when until when the certificate is good that is shown.
func (c *certificate) validity() monitoring.Validity {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	return c.current()
}

// get is tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	return c.pair, nil
}

package ses

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// getTimeout and maxGet bound a request to a URL that SNS has given.
	getTimeout = 5 * time.Second
	maxGet     = 64 << 10
	// maxCertificates bounds the cache. SNS changes its certificate about once
	// a year, so more than a few can only be invented URLs.
	maxCertificates = 16
)

// certificate is a key, and the period in which it is valid.
type certificate struct {
	key                 *rsa.PublicKey
	notBefore, notAfter time.Time
}

// fetch is a request for a certificate that others may wait for.
type fetch struct {
	done chan struct{} // closed when cert and err are set
	cert *certificate
	err  error
}

// certificates fetches each certificate once and keeps it.
type certificates struct {
	client *http.Client
	// budget limits the requests that strangers, who can name any file on SNS's hosts,
	// can make us send.
	budget *rate.Limiter

	mu      sync.Mutex
	byURL   map[string]*certificate
	pending map[string]*fetch
}

// key returns the key of the certificate at rawURL, provided that it is valid
// now. Its errors are [*Rejection].
func (c *certificates) key(ctx context.Context, rawURL string, now time.Time) (*rsa.PublicKey, error) {
	cert, err := c.get(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	if now.Before(cert.notBefore) || now.After(cert.notAfter) {
		return nil, reject(CodeBadCertificate, fmt.Errorf("valid only from %s to %s",
			cert.notBefore.Format(time.RFC3339), cert.notAfter.Format(time.RFC3339)))
	}
	return cert.key, nil
}

// get returns the certificate from the cache, from a fetch under way, or from
// a fetch of its own.
func (c *certificates) get(ctx context.Context, rawURL string) (*certificate, error) {
	c.mu.Lock()
	if cert := c.byURL[rawURL]; cert != nil {
		c.mu.Unlock()
		return cert, nil
	}
	f := c.pending[rawURL]
	if f == nil {
		if !c.budget.Allow() {
			c.mu.Unlock()
			return nil, reject(CodeCertificateUnavailable, errors.New("too many certificate requests"))
		}
		f = &fetch{done: make(chan struct{})}
		c.pending[rawURL] = f
		// Detached from this caller: another may be waiting for it too.
		go c.run(context.WithoutCancel(ctx), rawURL, f)
	}
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.cert, f.err
	case <-ctx.Done():
		return nil, reject(CodeCertificateUnavailable, ctx.Err())
	}
}

func (c *certificates) run(ctx context.Context, rawURL string, f *fetch) {
	f.cert, f.err = c.download(ctx, rawURL)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, rawURL)
	if f.err == nil {
		if len(c.byURL) >= maxCertificates {
			clear(c.byURL)
		}
		c.byURL[rawURL] = f.cert
	}
	close(f.done)
}

func (c *certificates) download(ctx context.Context, rawURL string) (*certificate, error) {
	body, err := get(ctx, c.client, rawURL)
	if err != nil {
		return nil, reject(CodeCertificateUnavailable, err)
	}
	return parseCertificate(body)
}

// parseCertificate reads a PEM file with a certificate of an RSA key.
func parseCertificate(body []byte) (*certificate, error) {
	block, _ := pem.Decode(body)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, reject(CodeBadCertificate, errors.New("not a PEM certificate"))
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, reject(CodeBadCertificate, errors.New("not an X.509 certificate"))
	}
	key, ok := parsed.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, reject(CodeBadCertificate, errors.New("not of an RSA key"))
	}
	return &certificate{key: key, notBefore: parsed.NotBefore, notAfter: parsed.NotAfter}, nil
}

// get requests a URL, within bounds of time and size, and accepts only status 200.
func get(ctx context.Context, client *http.Client, rawURL string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		return nil, errors.New("not a URL that can be requested")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxGet+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxGet {
		return nil, fmt.Errorf("answered more than %d bytes", maxGet)
	}
	return body, nil
}

// withoutURL removes the URL from an HTTP client's error: a confirmation's URL
// contains its token.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

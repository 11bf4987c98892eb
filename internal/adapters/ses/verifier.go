package ses

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SNS's signature version 1, its default, is over SHA-1.
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	// defaultMaxAge is the age from which a message is too old. Its MessageID
	// identifies a copy of a younger one.
	defaultMaxAge = time.Hour
	// maxLead is by how much SNS's clock may be ahead of ours.
	maxLead = 5 * time.Minute
)

// snsHost matches the hosts where SNS serves its certificates and confirms subscriptions.
var snsHost = regexp.MustCompile(`^sns\.[a-z0-9-]{3,32}\.amazonaws\.com(\.cn)?$`)

// VerifierConfig configures which SNS messages to trust.
type VerifierConfig struct {
	// TopicARN is the only trusted topic.
	TopicARN string
	// CertificateHosts, each a host or host:port, are trusted besides the hosts
	// of SNS, over http too. Whoever serves one can forge any message, so this
	// is for the embedded mailbox alone.
	CertificateHosts []string
	// MaxAge is the age from which a message is too old; zero means an hour. SNS
	// redelivers with the first delivery's time, so events are lost
	// after an outage longer than this.
	MaxAge time.Duration
	// Client makes the requests for certificates and confirmations; nil means
	// one of the package's own. It follows no redirects.
	Client *http.Client
	// Now returns the time; nil means [time.Now].
	Now func() time.Time
}

// Verifier distinguishes genuine SNS messages from forged ones.
// Its methods may be called concurrently.
type Verifier struct {
	topicARN string
	hosts    []string
	maxAge   time.Duration
	client   *http.Client
	now      func() time.Time
	certs    *certificates
}

// NewVerifier returns a Verifier, or an error that names the wrong setting.
func NewVerifier(config VerifierConfig) (*Verifier, error) {
	if !strings.HasPrefix(config.TopicARN, "arn:") {
		return nil, fmt.Errorf("SNS_TOPIC_ARN: %q is not an ARN", config.TopicARN)
	}
	if config.MaxAge < 0 {
		return nil, fmt.Errorf("maxAge: %s is negative", config.MaxAge)
	}
	v := &Verifier{
		topicARN: config.TopicARN,
		hosts:    slices.Clone(config.CertificateHosts),
		maxAge:   config.MaxAge,
		now:      config.Now,
		client:   withoutRedirects(config.Client),
	}
	if v.maxAge == 0 {
		v.maxAge = defaultMaxAge
	}
	if v.now == nil {
		v.now = time.Now
	}
	v.certs = &certificates{
		client:  v.client,
		budget:  rate.NewLimiter(rate.Every(time.Second), 5),
		byURL:   map[string]*certificate{},
		pending: map[string]*fetch{},
	}
	return v, nil
}

func withoutRedirects(client *http.Client) *http.Client {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Verify checks that a message is recent and comes from SNS, from the configured
// topic. Its errors are [*Rejection]. Checks without cost come first, so
// that a stranger's message fetches no certificate.
func (v *Verifier) Verify(ctx context.Context, n *Notification) error {
	if n.TopicARN != v.topicARN {
		return reject(CodeWrongTopic, nil)
	}
	now := v.now()
	if now.Sub(n.At) > v.maxAge {
		return reject(CodeTooOld, fmt.Errorf("made at %s", n.At.Format(time.RFC3339)))
	}
	if n.At.Sub(now) > maxLead {
		return reject(CodeFromTheFuture, fmt.Errorf("made at %s", n.At.Format(time.RFC3339)))
	}
	hash, digest, err := digestOf(n.wire)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(n.wire.Signature)
	if err != nil {
		return reject(CodeBadSignature, errors.New("not in base64"))
	}
	if err := v.allowCertificateURL(n.wire.SigningCertURL); err != nil {
		return err
	}
	key, err := v.certs.key(ctx, n.wire.SigningCertURL, now)
	if err != nil {
		return err
	}
	if err := rsa.VerifyPKCS1v15(key, hash, digest, signature); err != nil {
		return reject(CodeBadSignature, nil)
	}
	n.verified = true
	return nil
}

func digestOf(n notificationJSON) (crypto.Hash, []byte, error) {
	switch n.SignatureVersion {
	case "1":
		sum := sha1.Sum(n.signedText()) //nolint:gosec // see the import
		return crypto.SHA1, sum[:], nil
	case "2":
		sum := sha256.Sum256(n.signedText())
		return crypto.SHA256, sum[:], nil
	default:
		return 0, nil, reject(CodeUnknownSignature, nil)
	}
}

func (v *Verifier) allowCertificateURL(raw string) error {
	u, err := v.snsURL(raw)
	if err != nil {
		return reject(CodeBadCertificateURL, err)
	}
	if !strings.HasSuffix(u.Path, ".pem") || u.RawQuery != "" {
		return reject(CodeBadCertificateURL, errors.New("not a .pem file"))
	}
	return nil
}

// snsURL parses a URL that SNS has given, and refuses every
// host that is neither SNS's own nor a configured one.
func (v *Verifier) snsURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return nil, errors.New("not a URL")
	}
	if u.User != nil || u.Fragment != "" {
		return nil, errors.New("has a user or a fragment")
	}
	if u.Scheme == "https" && snsHost.MatchString(u.Host) {
		return u, nil
	}
	if (u.Scheme == "https" || u.Scheme == "http") && slices.Contains(v.hosts, u.Host) {
		return u, nil
	}
	return nil, errors.New("not at a host of SNS")
}

// Confirm subscribes to the configured topic, as a
// verified SubscriptionConfirmation asks. Its errors are [*Rejection]. It refuses an
// UnsubscribeConfirmation: answering one would subscribe again.
func (v *Verifier) Confirm(ctx context.Context, n *Notification) error {
	if n.Type != TypeSubscriptionConfirmation {
		return reject(CodeNotAConfirmation, nil)
	}
	if !n.verified || n.TopicARN != v.topicARN {
		return reject(CodeNotVerified, nil)
	}
	u, err := v.snsURL(n.wire.SubscribeURL)
	if err != nil {
		return reject(CodeBadSubscribeURL, err)
	}
	query := u.Query()
	if query.Get("Action") != "ConfirmSubscription" || query.Get("TopicArn") != v.topicARN {
		return reject(CodeBadSubscribeURL, errors.New("does not confirm the configured topic"))
	}
	if _, err := get(ctx, v.client, u.String()); err != nil {
		return reject(CodeConfirmationFailed, err)
	}
	return nil
}

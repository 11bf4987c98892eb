package ses

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const topicARN = "arn:aws:sns:eu-west-1:111122223333:ses-events"

var now = time.Date(2025, time.March, 1, 9, 0, 10, 0, time.UTC)

// signingKey is made once: making one takes a while.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func certificatePEM(tb testing.TB, from, to time.Time, key crypto.Signer) []byte {
	tb.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(tb, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// fakeSNS serves a certificate at any path ending in .pem, and takes
// confirmations at the root.
type fakeSNS struct {
	url                          string
	close                        func()
	certificate                  []byte
	certificates, confirmations  atomic.Int64
	certificateStatus, rootState atomic.Int64
}

func newFakeSNS(tb testing.TB) *fakeSNS {
	tb.Helper()
	sns := &fakeSNS{certificate: certificatePEM(tb, now.Add(-time.Hour), now.Add(time.Hour), signingKey())}
	sns.certificateStatus.Store(http.StatusOK)
	sns.rootState.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".pem") {
			sns.certificates.Add(1)
			w.Header().Set("Location", "/elsewhere.pem")
			w.WriteHeader(int(sns.certificateStatus.Load()))
			_, _ = w.Write(sns.certificate)
			return
		}
		sns.confirmations.Add(1)
		w.WriteHeader(int(sns.rootState.Load()))
	}))
	tb.Cleanup(server.Close)
	sns.url, sns.close = server.URL, server.Close
	return sns
}

func (f *fakeSNS) host() string { return strings.TrimPrefix(f.url, "http://") }

func (f *fakeSNS) verifier(tb testing.TB) *Verifier {
	tb.Helper()
	v, err := NewVerifier(VerifierConfig{
		TopicARN:         topicARN,
		CertificateHosts: []string{"elsewhere.example", f.host()},
		Now:              func() time.Time { return now },
	})
	require.NoError(tb, err)
	return v
}

// post is an SNS message as JSON, its fields in the map.
func (f *fakeSNS) post(kind string) map[string]string {
	m := map[string]string{
		"Type":             kind,
		"MessageId":        "5bc4b2f0-0000-5000-8000-000000000001",
		"TopicArn":         topicARN,
		"Message":          "line one\nline two ✓",
		"Timestamp":        now.Add(-5 * time.Second).Format("2006-01-02T15:04:05.000Z"),
		"SignatureVersion": "2",
		"SigningCertURL":   f.url + "/SimpleNotificationService-1.pem",
	}
	if kind != TypeNotification {
		m["Token"] = "2336412f37"
		m["SubscribeURL"] = f.url + "/?" + url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {"2336412f37"}}.Encode()
	}
	return m
}

// signed signs the fields that SNS's documentation lists, in its order; it is
// written apart from the package's own code so as not to share its mistakes.
func signed(tb testing.TB, m map[string]string) []byte {
	tb.Helper()
	order := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if m["Type"] != "Notification" {
		order = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	text := ""
	for _, name := range order {
		if value, ok := m[name]; ok {
			text += fmt.Sprintf("%s\n%s\n", name, value)
		}
	}
	var signature []byte
	var err error
	if m["SignatureVersion"] == "1" {
		sum := sha1.Sum([]byte(text))
		signature, err = rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA1, sum[:])
	} else {
		sum := sha256.Sum256([]byte(text))
		signature, err = rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA256, sum[:])
	}
	require.NoError(tb, err)
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return encode(tb, m)
}

func encode(tb testing.TB, m map[string]string) []byte {
	tb.Helper()
	body, err := json.Marshal(m)
	require.NoError(tb, err)
	return body
}

func parse(tb testing.TB, body []byte) *Notification {
	tb.Helper()
	n, err := ParseNotification(body)
	require.NoError(tb, err)
	return n
}

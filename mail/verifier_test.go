package mail

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // SNS's signature version 1 is over SHA-1.
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

func certificatePEM(t testing.TB, from, to time.Time, key crypto.Signer) []byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// fakeSNS serves a certificate at any path ending in .pem, and takes
// confirmations at the root.
type fakeSNS struct {
	url                          string
	certificate                  []byte
	certificates, confirmations  atomic.Int64
	certificateStatus, rootState atomic.Int64
}

func newFakeSNS(t testing.TB) *fakeSNS {
	t.Helper()
	sns := &fakeSNS{certificate: certificatePEM(t, now.Add(-time.Hour), now.Add(time.Hour), signingKey())}
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
	t.Cleanup(server.Close)
	sns.url = server.URL
	return sns
}

func (f *fakeSNS) host() string { return strings.TrimPrefix(f.url, "http://") }

func (f *fakeSNS) verifier(t testing.TB) *Verifier {
	t.Helper()
	v, err := NewVerifier(VerifierConfig{
		TopicARN:         topicARN,
		CertificateHosts: []string{"elsewhere.example", f.host()},
		Now:              func() time.Time { return now },
	})
	require.NoError(t, err)
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

// sign1or2 signs the fields that SNS's documentation lists, in its order; it is
// written apart from the package's own code so as not to share its mistakes.
func sign1or2(t testing.TB, m map[string]string) []byte {
	t.Helper()
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
		sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
		signature, err = rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA1, sum[:])
	} else {
		sum := sha256.Sum256([]byte(text))
		signature, err = rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA256, sum[:])
	}
	require.NoError(t, err)
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	return encode(t, m)
}

func encode(t testing.TB, m map[string]string) []byte {
	t.Helper()
	body, err := json.Marshal(m)
	require.NoError(t, err)
	return body
}

func parse(t testing.TB, body []byte) *Notification {
	t.Helper()
	n, err := ParseNotification(body)
	require.NoError(t, err)
	return n
}

func TestSignedMessagesAreBelieved(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{TypeNotification, TypeSubscriptionConfirmation, TypeUnsubscribeConfirmation} {
		for _, version := range []string{"1", "2"} {
			t.Run(kind+" "+version, func(t *testing.T) {
				t.Parallel()
				sns := newFakeSNS(t)
				m := sns.post(kind)
				m["SignatureVersion"] = version
				n := parse(t, sign1or2(t, m))
				require.NoError(t, sns.verifier(t).Verify(t.Context(), n))
				require.Equal(t, m["MessageId"], n.MessageID)
				require.Equal(t, "line one\nline two ✓", n.Message)
				require.Equal(t, now.Add(-5*time.Second), n.At)
			})
		}
	}
}

func TestASubjectIsSignedToo(t *testing.T) {
	t.Parallel()
	sns := newFakeSNS(t)
	m := sns.post(TypeNotification)
	m["Subject"] = "Amazon SES Email Event Notification"
	require.NoError(t, sns.verifier(t).Verify(t.Context(), parse(t, sign1or2(t, m))))
	m["Subject"] = "Another"
	require.Equal(t, CodeBadSignature, CodeOf(sns.verifier(t).Verify(t.Context(), parse(t, encode(t, m)))))
}

func TestWhatIsNotToBeBelievedIsRejectedByCode(t *testing.T) {
	t.Parallel()
	const other = "arn:aws:sns:eu-west-1:999999999999:ses-events"
	before := func(field, value string) func(*testing.T, map[string]string) []byte {
		return func(t *testing.T, m map[string]string) []byte {
			t.Helper()
			m[field] = value
			return sign1or2(t, m)
		}
	}
	after := func(field, value string) func(*testing.T, map[string]string) []byte {
		return func(t *testing.T, m map[string]string) []byte {
			t.Helper()
			sign1or2(t, m)
			m[field] = value
			return encode(t, m)
		}
	}
	tests := map[string]struct {
		body    func(*testing.T, map[string]string) []byte
		code    string
		fetches int64
	}{
		"another topic":           {before("TopicArn", other), CodeWrongTopic, 0},
		"too old":                 {before("Timestamp", now.Add(-time.Hour-time.Second).Format(time.RFC3339)), CodeTooOld, 0},
		"from the future":         {before("Timestamp", now.Add(6*time.Minute).Format(time.RFC3339)), CodeFromTheFuture, 0},
		"message changed":         {after("Message", "{}"), CodeBadSignature, 1},
		"message id changed":      {after("MessageId", "another"), CodeBadSignature, 1},
		"time changed":            {after("Timestamp", now.Format(time.RFC3339)), CodeBadSignature, 1},
		"type changed":            {after("Type", TypeNotification), CodeBadSignature, 1},
		"signature of no base64":  {after("Signature", "***"), CodeBadSignature, 0},
		"empty-looking signature": {after("Signature", "AA=="), CodeBadSignature, 1},
		"version changed":         {after("SignatureVersion", "1"), CodeBadSignature, 1},
		"version 3":               {after("SignatureVersion", "3"), CodeUnknownSignature, 0},
		"certificate elsewhere":   {after("SigningCertURL", "https://evil.example/x.pem"), CodeBadCertificateURL, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sns := newFakeSNS(t)
			n := parse(t, tt.body(t, sns.post(TypeSubscriptionConfirmation)))
			v := sns.verifier(t)
			err := v.Verify(t.Context(), n)
			require.Equal(t, tt.code, CodeOf(err), "%v", err)
			require.Equal(t, tt.fetches, sns.certificates.Load())
			require.Equal(t, CodeNotVerified, confirmCode(t, v, n))
			require.Zero(t, sns.confirmations.Load())
		})
	}
}

// confirmCode confirms n and returns the rejection's code, as for a message
// that still is a SubscriptionConfirmation.
func confirmCode(t *testing.T, v *Verifier, n *Notification) string {
	t.Helper()
	n.Type = TypeSubscriptionConfirmation
	return CodeOf(v.Confirm(t.Context(), n))
}

func TestCertificatesComeFromSNSAlone(t *testing.T) {
	t.Parallel()
	v, err := NewVerifier(VerifierConfig{TopicARN: topicARN, CertificateHosts: []string{"127.0.0.1:8025"}})
	require.NoError(t, err)
	for raw, allowed := range map[string]bool{
		"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem":     true,
		"https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem": true,
		"http://127.0.0.1:8025/cert.pem":                                          true,
		"https://127.0.0.1:8025/cert.pem":                                         true,
		"http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem":      false,
		"https://sns.eu-west-1.amazonaws.com:8443/x.pem":                          false,
		"https://sns.eu-west-1.amazonaws.com.evil.example/x.pem":                  false,
		"https://sns.eu-west-1.amazonaws.com@evil.example/x.pem":                  false,
		"https://evil.example/sns.eu-west-1.amazonaws.com/x.pem":                  false,
		"https://evilsns.eu-west-1.amazonaws.com/x.pem":                           false,
		"https://bucket.s3.amazonaws.com/x.pem":                                   false,
		"https://sns.a.b.amazonaws.com/x.pem":                                     false,
		"https://sns.eu-west-1.amazonaws.com/x.txt":                               false,
		"https://sns.eu-west-1.amazonaws.com/?x.pem":                              false,
		"https://sns.eu-west-1.amazonaws.com/x.pem?a=b":                           false,
		"https://sns.eu-west-1.amazonaws.com/x.pem#y":                             false,
		"https:sns.eu-west-1.amazonaws.com/x.pem":                                 false,
		"http://127.0.0.1:8026/cert.pem":                                          false,
		"http://127.0.0.1/cert.pem":                                               false,
		"ftp://127.0.0.1:8025/cert.pem":                                           false,
		"file:///etc/x.pem":                                                       false,
		"://":                                                                     false,
	} {
		err := v.allowCertificateURL(raw)
		if allowed {
			require.NoError(t, err, raw)
		} else {
			require.Equal(t, CodeBadCertificateURL, CodeOf(err), raw)
		}
	}
}

func TestACertificateIsFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	sns := newFakeSNS(t)
	v := sns.verifier(t)
	body := sign1or2(t, sns.post(TypeNotification))
	var group sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		group.Go(func() {
			n, err := ParseNotification(body)
			if err == nil {
				err = v.Verify(context.Background(), n)
			}
			errs[i] = err
		})
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1, sns.certificates.Load())
}

func TestBadCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tests := map[string]struct {
		certificate []byte
		status      int64
		code        string
		passing     bool
	}{
		"expired":       {certificatePEM(t, now.Add(-2*time.Hour), now.Add(-time.Hour), signingKey()), 200, CodeBadCertificate, false},
		"not yet valid": {certificatePEM(t, now.Add(time.Hour), now.Add(2*time.Hour), signingKey()), 200, CodeBadCertificate, false},
		"no RSA key":    {certificatePEM(t, now.Add(-time.Hour), now.Add(time.Hour), elliptic), 200, CodeBadCertificate, false},
		"no PEM":        {[]byte("<html>"), 200, CodeBadCertificate, false},
		"broken":        {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), 200, CodeBadCertificate, false},
		"huge":          {make([]byte, maxGet+1), 200, CodeCertificateUnavailable, true},
		"not found":     {nil, 404, CodeCertificateUnavailable, true},
		"elsewhere":     {nil, 302, CodeCertificateUnavailable, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sns := newFakeSNS(t)
			good := sns.certificate
			sns.certificate = tt.certificate
			sns.certificateStatus.Store(tt.status)
			v := sns.verifier(t)
			body := sign1or2(t, sns.post(TypeNotification))
			err := v.Verify(t.Context(), parse(t, body))
			require.Equal(t, tt.code, CodeOf(err), "%v", err)
			rejection, ok := err.(*Rejection) //nolint:errorlint // Verify returns it bare
			require.True(t, ok)
			require.Equal(t, tt.passing, rejection.Passing())
			require.EqualValues(t, 1, sns.certificates.Load(), "a redirect is not followed")
			if !tt.passing {
				return
			}
			sns.certificate = good
			sns.certificateStatus.Store(http.StatusOK)
			require.NoError(t, v.Verify(t.Context(), parse(t, body)), "a failure is not kept")
		})
	}
}

func TestStrangersCannotMakeUsFetchAtWill(t *testing.T) {
	t.Parallel()
	sns := newFakeSNS(t)
	sns.certificateStatus.Store(http.StatusNotFound)
	v := sns.verifier(t)
	for i := range 100 {
		m := sns.post(TypeNotification)
		m["SigningCertURL"] = fmt.Sprintf("%s/%d.pem", sns.url, i)
		require.Equal(t, CodeCertificateUnavailable, CodeOf(v.Verify(t.Context(), parse(t, sign1or2(t, m)))))
	}
	require.Less(t, sns.certificates.Load(), int64(20))
}

func TestOnlyTheConfiguredSubscriptionIsConfirmed(t *testing.T) {
	t.Parallel()
	confirm := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {"t"}}.Encode()
	tests := map[string]struct {
		kind, subscribeURL string
		code               string
		calls              int64
	}{
		"as it should be":     {TypeSubscriptionConfirmation, "SNS/?" + confirm, "", 1},
		"elsewhere":           {TypeSubscriptionConfirmation, "http://evil.example/?" + confirm, CodeBadSubscribeURL, 0},
		"another action":      {TypeSubscriptionConfirmation, "SNS/?Action=DeleteTopic&TopicArn=" + topicARN, CodeBadSubscribeURL, 0},
		"another topic":       {TypeSubscriptionConfirmation, "SNS/?Action=ConfirmSubscription&TopicArn=arn:other", CodeBadSubscribeURL, 0},
		"an unsubscription":   {TypeUnsubscribeConfirmation, "SNS/?" + confirm, CodeNotAConfirmation, 0},
		"a mere notification": {TypeNotification, "SNS/?" + confirm, CodeNotAConfirmation, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sns := newFakeSNS(t)
			m := sns.post(tt.kind)
			m["SubscribeURL"] = strings.Replace(tt.subscribeURL, "SNS", sns.url, 1)
			n := parse(t, sign1or2(t, m))
			v := sns.verifier(t)
			require.NoError(t, v.Verify(t.Context(), n))
			err := v.Confirm(t.Context(), n)
			require.Equal(t, tt.code, CodeOf(err), "%v", err)
			require.Equal(t, tt.calls, sns.confirmations.Load())
		})
	}
}

func TestAFailedConfirmationPasses(t *testing.T) {
	t.Parallel()
	sns := newFakeSNS(t)
	sns.rootState.Store(http.StatusInternalServerError)
	v := sns.verifier(t)
	n := parse(t, sign1or2(t, sns.post(TypeSubscriptionConfirmation)))
	require.NoError(t, v.Verify(t.Context(), n))
	err := v.Confirm(t.Context(), n)
	rejection, ok := err.(*Rejection) //nolint:errorlint // Confirm returns it bare
	require.True(t, ok)
	require.Equal(t, CodeConfirmationFailed, rejection.Code)
	require.True(t, rejection.Passing())
	require.NotContains(t, err.Error(), "2336412f37", "the token stays out of errors")
	sns.rootState.Store(http.StatusOK)
	require.NoError(t, v.Confirm(t.Context(), n))
}

func TestVerifierSettingsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	_, err := NewVerifier(VerifierConfig{})
	require.ErrorContains(t, err, "SNS_TOPIC_ARN")
	_, err = NewVerifier(VerifierConfig{TopicARN: topicARN, MaxAge: -1})
	require.ErrorContains(t, err, "maxAge")
}

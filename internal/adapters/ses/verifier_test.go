package ses

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSignedMessagesAreBelieved(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{TypeNotification, TypeSubscriptionConfirmation, TypeUnsubscribeConfirmation} {
		for _, version := range []string{"1", "2"} {
			t.Run(kind+" "+version, func(t *testing.T) {
				t.Parallel()
				sns := newFakeSNS(t)
				m := sns.post(kind)
				m["SignatureVersion"] = version
				n := parse(t, signed(t, m))
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
	require.NoError(t, sns.verifier(t).Verify(t.Context(), parse(t, signed(t, m))))
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
			return signed(t, m)
		}
	}
	after := func(field, value string) func(*testing.T, map[string]string) []byte {
		return func(t *testing.T, m map[string]string) []byte {
			t.Helper()
			signed(t, m)
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
		"https://user@sns.eu-west-1.amazonaws.com/x.pem":                          false,
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
	body := signed(t, sns.post(TypeNotification))
	var group sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		group.Go(func() {
			n, err := ParseNotification(body)
			if err == nil {
				err = v.Verify(t.Context(), n)
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
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tests := map[string]struct {
		certificate []byte
		status      int64
		code        string
		passing     bool
	}{
		"expired":       {certificatePEM(t, now.Add(-2*time.Hour), now.Add(-time.Hour), signingKey()), 200, CodeBadCertificate, false},
		"not yet valid": {certificatePEM(t, now.Add(time.Hour), now.Add(2*time.Hour), signingKey()), 200, CodeBadCertificate, false},
		"no RSA key":    {certificatePEM(t, now.Add(-time.Hour), now.Add(time.Hour), curve), 200, CodeBadCertificate, false},
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
			body := signed(t, sns.post(TypeNotification))
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
		require.Equal(t, CodeCertificateUnavailable, CodeOf(v.Verify(t.Context(), parse(t, signed(t, m)))))
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
			n := parse(t, signed(t, m))
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
	n := parse(t, signed(t, sns.post(TypeSubscriptionConfirmation)))
	require.NoError(t, v.Verify(t.Context(), n))
	err := v.Confirm(t.Context(), n)
	rejection, ok := err.(*Rejection) //nolint:errorlint // Confirm returns it bare
	require.True(t, ok)
	require.Equal(t, CodeConfirmationFailed, rejection.Code)
	require.True(t, rejection.Passing())
	require.NotContains(t, err.Error(), "2336412f37", "the token stays out of errors")
	sns.rootState.Store(http.StatusOK)
	require.NoError(t, v.Confirm(t.Context(), n))
	sns.close()
	err = v.Confirm(t.Context(), n)
	require.Equal(t, CodeConfirmationFailed, CodeOf(err))
	require.NotContains(t, err.Error(), "2336412f37", "the token stays out of errors")
}

func TestVerifierSettingsAreCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	_, err := NewVerifier(VerifierConfig{})
	require.ErrorContains(t, err, "SNS_TOPIC_ARN")
	_, err = NewVerifier(VerifierConfig{TopicARN: topicARN, MaxAge: -1})
	require.ErrorContains(t, err, "maxAge")
}

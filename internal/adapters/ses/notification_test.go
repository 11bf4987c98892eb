package ses

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const notificationText = `{
  "Type": "Notification",
  "MessageId": "5bc4b2f0-0000-5000-8000-000000000001",
  "TopicArn": "arn:aws:sns:eu-west-1:111122223333:ses-events",
  "Subject": "Amazon SES Email Event Notification",
  "Message": "{\"eventType\":\"Send\"}",
  "Timestamp": "2025-03-01T09:00:05.000Z",
  "SignatureVersion": "1",
  "Signature": "c2lnbmVk",
  "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
  "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe"
}`

func TestMessagesThatAreNotSNSsAreRejected(t *testing.T) {
	t.Parallel()
	swap := func(old, replacement string) string {
		require.Contains(t, notificationText, old)
		return strings.Replace(notificationText, old, replacement, 1)
	}
	tests := map[string]struct{ body, code, says string }{
		"empty":                {"", CodeMalformed, "broken JSON"},
		"broken JSON":          {"{", CodeMalformed, "broken JSON"},
		"no object":            {"[]", CodeMalformed, "instead of an object"},
		"no fields":            {"{}", CodeMalformed, "Type: missing"},
		"two objects":          {notificationText + "{}", CodeMalformed, "something follows"},
		"wrong type":           {swap(`"c2lnbmVk"`, "7"), CodeMalformed, "Signature: a JSON number"},
		"unknown type":         {swap(`"Notification"`, `"Invitation"`), CodeUnknownType, ""},
		"no message id":        {swap(`"MessageId"`, `"X"`), CodeMalformed, "MessageId: missing"},
		"no topic":             {swap(`"TopicArn"`, `"X"`), CodeMalformed, "TopicArn: missing"},
		"no certificate":       {swap(`"SigningCertURL"`, `"X"`), CodeMalformed, "SigningCertURL: missing"},
		"no time":              {swap("2025-03-01T09:00:05.000Z", "at nine"), CodeMalformed, "Timestamp: not a time"},
		"absurd message id":    {swap("5bc4b2f0", strings.Repeat("5", 5000)), CodeMalformed, "MessageId: longer"},
		"subscription, no url": {swap(`"Notification"`, `"SubscriptionConfirmation"`), CodeMalformed, "SubscribeURL: missing"},
		"too large":            {strings.Repeat(" ", MaxNotification+1), CodeTooLarge, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := ParseNotification([]byte(tt.body))
			require.Nil(t, n)
			require.Equal(t, tt.code, CodeOf(err))
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func FuzzParseNotification(f *testing.F) {
	f.Add([]byte(notificationText))
	f.Add([]byte(strings.Replace(notificationText, `"Notification"`, `"SubscriptionConfirmation"`, 1)))
	for _, seed := range []string{"", "{}", "null", `{"Type":"Notification"}`, `{"Type":7}`, notificationText[:200]} {
		f.Add([]byte(seed))
	}
	for _, name := range []string{"bounce-permanent", "complaint", "click"} {
		f.Add([]byte(eventFile(f, name)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if n, err := ParseNotification(body); err != nil {
			require.NotEmpty(t, CodeOf(err))
			require.Nil(t, n)
		} else {
			require.NotEmpty(t, n.MessageID)
			require.NotEmpty(t, n.wire.signedText())
		}
		// A notification's message is as little to be trusted as its wrapping.
		if event, err := ParseEvent(string(body)); err != nil {
			_, ok := errors.AsType[*SetAside](err)
			require.True(t, ok)
		} else {
			require.NoError(t, event.Key.validate())
			require.NotEmpty(t, event.MessageID)
			require.False(t, event.At.IsZero())
		}
	})
}

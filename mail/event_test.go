package mail

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// The files in testdata/events have the fields of the examples that SES
// publishes, with our tags, and addresses and times of our own.
func eventFile(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
	require.NoError(tb, err)
	return string(text)
}

func TestEventsOfOurSendsAreRead(t *testing.T) {
	t.Parallel()
	at := func(hour, minute, second, milli int) time.Time {
		return time.Date(2025, time.March, 1, hour, minute, second, milli*1e6, time.UTC)
	}
	tests := map[string]struct {
		want       Event
		suppresses bool
	}{
		"send":                {Event{Type: EventSend, At: at(9, 0, 2, 12)}, false},
		"delivery":            {Event{Type: EventDelivery, At: at(9, 0, 5, 480)}, false},
		"bounce-permanent":    {Event{Type: EventBounce, At: at(9, 0, 6, 669), Permanent: true, Reason: "permanent-general"}, true},
		"bounce-suppressed":   {Event{Type: EventBounce, At: at(9, 0, 6, 0), Permanent: true, Reason: "permanent-on-account-suppression-list"}, true},
		"bounce-transient":    {Event{Type: EventBounce, At: at(10, 0, 6, 669), Reason: "transient-mailbox-full"}, false},
		"bounce-undetermined": {Event{Type: EventBounce, At: at(10, 0, 6, 669), Reason: "undetermined-undetermined"}, false},
		"complaint":           {Event{Type: EventComplaint, At: at(18, 30, 11, 4), Reason: "abuse"}, true},
		"reject":              {Event{Type: EventReject, At: at(9, 0, 2, 12), Reason: "bad-content"}, false},
		"delivery-delay":      {Event{Type: EventDeliveryDelay, At: at(11, 25, 40, 95), Reason: "transient-communication-failure"}, false},
		"rendering-failure":   {Event{Type: EventRenderingFailure, At: at(9, 0, 2, 12)}, false},
		"open":                {Event{Type: EventOpen, At: at(12, 0, 19, 652)}, false},
		"click":               {Event{Type: EventClick, At: at(12, 1, 25, 570)}, false},
		"subscription":        {Event{Type: EventSubscription, At: at(12, 2, 0, 910), Reason: "unsubscribe-header"}, false},
	}
	files, err := filepath.Glob(filepath.Join("testdata", "events", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(tests), "every example is read")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := tt.want
			want.MessageID = "0102018d-trial-v1-000000"
			want.Key = SendKey{TrialID: "v1", Kind: "reminder-3d", Revision: 2}
			want.AddressHash = AddressHash("vendor@example.com")
			got, err := ParseEvent(eventFile(t, name))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got))
			require.Equal(t, tt.suppresses, got.Suppresses())
		})
	}
}

// changed is an event's file with some of its JSON replaced.
func changed(tb testing.TB, name string, change func(event, mail map[string]any)) string {
	tb.Helper()
	var event map[string]any
	require.NoError(tb, json.Unmarshal([]byte(eventFile(tb, name)), &event))
	change(event, object(event, "mail"))
	text, err := json.Marshal(event)
	require.NoError(tb, err)
	return string(text)
}

// object is the object under a name; a nil map, and so a panic on writing to
// it, where the file has none.
func object(in map[string]any, name string) map[string]any {
	inner, _ := in[name].(map[string]any)
	return inner
}

func TestEverythingElseIsSetAsideByReason(t *testing.T) {
	t.Parallel()
	tags := func(change func(tags map[string]any)) string {
		return changed(t, "send", func(_, mail map[string]any) { change(object(mail, "tags")) })
	}
	tests := map[string]struct{ message, reason string }{
		"greeting of a new topic":   {"Successfully validated SNS topic for Amazon SES event publishing.", "not-an-event"},
		"empty":                     {"", "not-an-event"},
		"other JSON":                {`{"hello":"world"}`, "not-an-event"},
		"JSON of no object":         {`[1]`, "not-an-event"},
		"null":                      {`null`, "not-an-event"},
		"identity's feedback":       {`{"notificationType":"Bounce","mail":{}}`, "legacy-feedback"},
		"no mail":                   {`{"eventType":"Send"}`, "unreadable"},
		"mail of the wrong type":    {`{"eventType":"Send","mail":"x"}`, "unreadable"},
		"too large":                 {strings.Repeat(" ", MaxNotification+1), "too-large"},
		"type of the future":        {changed(t, "send", func(e, _ map[string]any) { e["eventType"] = "Teleported" }), "unknown-event-type"},
		"bounce without its object": {changed(t, "send", func(e, _ map[string]any) { e["eventType"] = "Bounce" }), "unreadable"},
		"bounce without a type":     {changed(t, "bounce-permanent", func(e, _ map[string]any) { object(e, "bounce")["bounceType"] = "" }), "unreadable"},
		"no tags":                   {changed(t, "send", func(_, m map[string]any) { delete(m, "tags") }), "foreign"},
		"other tags":                {changed(t, "send", func(_, m map[string]any) { m["tags"] = map[string]any{"campaign": []any{"x"}} }), "foreign"},
		"no revision":               {tags(func(tags map[string]any) { delete(tags, "revision") }), "bad-tags"},
		"two trials":                {tags(func(tags map[string]any) { tags["trial_id"] = []any{"v1", "v2"} }), "bad-tags"},
		"trial with a slash":        {tags(func(tags map[string]any) { tags["trial_id"] = []any{"v1/../v2"} }), "bad-tags"},
		"negative attempt":          {tags(func(tags map[string]any) { tags["attempt"] = []any{"-1"} }), "bad-tags"},
		"no message id":             {changed(t, "send", func(_, m map[string]any) { m["messageId"] = "" }), "no-message-id"},
		"no time":                   {changed(t, "send", func(_, m map[string]any) { m["timestamp"] = "yesterday" }), "no-time"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event, err := ParseEvent(tt.message)
			require.Empty(t, event)
			setAside, ok := errors.AsType[*SetAside](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.reason, setAside.Reason)
		})
	}
}

func TestTheMailsTimeStandsInForTheEventsOwn(t *testing.T) {
	t.Parallel()
	event, err := ParseEvent(changed(t, "delivery", func(e, _ map[string]any) {
		object(e, "delivery")["timestamp"] = "?"
	}))
	require.NoError(t, err)
	require.Equal(t, time.Date(2025, time.March, 1, 9, 0, 2, 12e6, time.UTC), event.At)
}

func TestABounceIsAboutTheRecipientItNames(t *testing.T) {
	t.Parallel()
	event, err := ParseEvent(changed(t, "bounce-permanent", func(e, _ map[string]any) {
		object(e, "bounce")["bouncedRecipients"] = []any{map[string]any{"emailAddress": "A Vendor <Forwarded@example.com>"}}
	}))
	require.NoError(t, err)
	require.Equal(t, AddressHash("forwarded@example.com"), event.AddressHash)
}

func TestReasonsAreShortCodes(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"":                             "",
		"Permanent General":            "permanent-general",
		"Transient MailboxFull":        "transient-mailbox-full",
		"IPFailure":                    "ipfailure",
		" <b>ü\r\n x ":                 "b-x",
		strings.Repeat("a", 2*maxCode): strings.Repeat("a", maxCode),
	} {
		require.Equal(t, want, code(words))
	}
}

package ses

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

	"marketplace.example/trials/internal/domain/trial"
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
	tests := map[string]Event{
		"send":                {Type: EventSend, At: at(9, 0, 2, 12)},
		"delivery":            {Type: EventDelivery, At: at(9, 0, 5, 480), Delivery: "delivery"},
		"bounce-permanent":    {Type: EventBounce, At: at(9, 0, 6, 669), Delivery: "bounce", Suppress: true, Cause: trial.CauseBounce, Reason: "permanent-general"},
		"bounce-suppressed":   {Type: EventBounce, At: at(9, 0, 6, 0), Delivery: "bounce", Suppress: true, Cause: trial.CauseBounce, Reason: "permanent-on-account-suppression-list"},
		"bounce-transient":    {Type: EventBounce, At: at(10, 0, 6, 669), Delivery: "bounce", Reason: "transient-mailbox-full"},
		"bounce-undetermined": {Type: EventBounce, At: at(10, 0, 6, 669), Delivery: "bounce", Reason: "undetermined-undetermined"},
		"complaint":           {Type: EventComplaint, At: at(18, 30, 11, 4), Delivery: "complaint", Suppress: true, Cause: trial.CauseComplaint, Reason: "abuse"},
		"reject":              {Type: EventReject, At: at(9, 0, 2, 12), Delivery: "reject", Reason: "bad-content"},
		"delivery-delay":      {Type: EventDeliveryDelay, At: at(11, 25, 40, 95), Delivery: "delay", Reason: "transient-communication-failure"},
		"rendering-failure":   {Type: EventRenderingFailure, At: at(9, 0, 2, 12), Delivery: "reject"},
		"open":                {Type: EventOpen, At: at(12, 0, 19, 652)},
		"click":               {Type: EventClick, At: at(12, 1, 25, 570)},
		"subscription":        {Type: EventSubscription, At: at(12, 2, 0, 910), Reason: "unsubscribe-header"},
	}
	files, err := filepath.Glob(filepath.Join("testdata", "events", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, len(tests), "every example is read")
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want.MessageID = "0102018d-trial-v1-000000"
			want.Key = SendKey{TrialID: "v1", Kind: "reminder-3d", Revision: 2}
			want.SentAt = at(9, 0, 2, 12)
			want.AddressHash = trial.AddressHash("vendor@example.com")
			got, err := ParseEvent(eventFile(t, name))
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(want, got))
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

// Where mail is forwarded, what bounces or complains is an address further on.
func TestAnEventIsAboutTheAddressThatTheEmailWentTo(t *testing.T) {
	t.Parallel()
	named := func(addresses ...string) []any {
		all := make([]any, len(addresses))
		for i, address := range addresses {
			all[i] = map[string]any{"emailAddress": address}
		}
		return all
	}
	for file, field := range map[string][2]string{
		"bounce-permanent": {"bounce", "bouncedRecipients"}, "complaint": {"complaint", "complainedRecipients"},
		"delivery": {"delivery", "recipients"}, "delivery-delay": {"deliveryDelay", "delayedRecipients"},
	} {
		for name, recipients := range map[string]any{
			"forwarded": named("forwarded@example.net"), "several": named("forwarded@example.net", "vendor@example.com"),
			"none": named(), "null": nil, "of another type": "forwarded@example.net", "addresses alone": []any{"forwarded@example.net"},
		} {
			for _, destination := range []string{"vendor@example.com", "VENDOR@Example.COM", "A Vendor <Vendor@example.com>", " vendor@example.com "} {
				event, err := ParseEvent(changed(t, file, func(e, mail map[string]any) {
					object(e, field[0])[field[1]] = recipients
					mail["destination"] = []any{destination}
				}))
				require.NoError(t, err)
				require.Equal(t, trial.AddressHash("vendor@example.com"), event.AddressHash, "%s, %s, sent to %q", file, name, destination)
			}
		}
	}
	for name, destination := range map[string]any{"two": []any{"a@example.com", "b@example.com"}, "none": []any{}, "null": nil} {
		event, err := ParseEvent(changed(t, "bounce-permanent", func(_, mail map[string]any) { mail["destination"] = destination }))
		require.NoError(t, err)
		require.Empty(t, event.AddressHash, "%s: none of them is known to be it", name)
	}
}

// What SES documents of bounces, and what it may come to say.
func TestWhatABounceSaysByItsType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, subtype, delivery string
		suppress                bool
	}{
		{"Undetermined", "Undetermined", "bounce", false},
		{"Permanent", "General", "bounce", true},
		{"Permanent", "NoEmail", "bounce", true},
		{"Permanent", "Suppressed", "bounce", true},
		{"Permanent", "OnAccountSuppressionList", "bounce", true},
		{"Permanent", "UnsubscribedRecipient", "bounce", true},
		{"permanent", "general", "bounce", true},
		{"Transient", "General", "general-bounce", false},
		{"Transient", "", "general-bounce", false},
		{"Transient", "MailboxFull", "bounce", false},
		{"Transient", "MessageTooLarge", "bounce", false},
		{"Transient", "ContentRejected", "bounce", false},
		{"Transient", "AttachmentRejected", "bounce", false},
		{"Transient", "CustomTimeoutExceeded", "bounce", false},
		{"Forever", "General", "bounce", true},
	} {
		event, err := ParseEvent(changed(t, "bounce-permanent", func(e, _ map[string]any) {
			object(e, "bounce")["bounceType"], object(e, "bounce")["bounceSubType"] = c.kind, c.subtype
		}))
		require.NoError(t, err)
		require.Equal(t, c.delivery, event.Delivery, "%s %s", c.kind, c.subtype)
		require.Equal(t, c.suppress, event.Suppress, "%s %s", c.kind, c.subtype)
	}
}

func TestWhatAComplaintSaysByItsFeedback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		feedback, subtype any
		delivery          string
		suppress          bool
	}{
		{"abuse", nil, "complaint", true},
		{"fraud", nil, "complaint", true},
		{"virus", nil, "complaint", true},
		{"other", nil, "complaint", true},
		{"auth-failure", nil, "complaint", true},
		{"something new", nil, "complaint", true},
		{"", "", "complaint", true},
		{nil, nil, "complaint", true},
		{"not-spam", nil, "", false},
		{"Not-Spam", "", "", false},
		{nil, "OnAccountSuppressionList", "bounce", true},
		{"not-spam", "OnAccountSuppressionList", "bounce", true},
	} {
		event, err := ParseEvent(changed(t, "complaint", func(e, _ map[string]any) {
			object(e, "complaint")["complaintFeedbackType"], object(e, "complaint")["complaintSubType"] = c.feedback, c.subtype
		}))
		require.NoError(t, err)
		require.Equal(t, c.delivery, event.Delivery, "%v %v", c.feedback, c.subtype)
		require.Equal(t, c.suppress, event.Suppress, "%v %v", c.feedback, c.subtype)
	}
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

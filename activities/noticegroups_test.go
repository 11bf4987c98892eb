package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// tellTogether joins messages to one that names their keys, and returns those that were not told to all.
func (b *board) tellTogether(t *testing.T, mail bool, messages ...notice.Message) (joined [][]string, failures map[string]error) {
	t.Helper()
	client, err := webhook.New(noticeSecret, time.Minute)
	require.NoError(t, err)
	n := &activities.Notices{Store: b, Mailer: b, Poster: client, Stakeholders: b.stakeholders, Now: time.Now, Log: b.log}
	failures = activities.NoticeGroups{Notices: n}.NotifyTogether(t.Context(), messages, activities.Together{Mail: mail, Join: func(ms []notice.Message) notice.Message {
		var keys []string
		for _, m := range ms {
			keys = append(keys, m.Key)
		}
		joined = append(joined, keys)
		return notice.Message{Key: "all", Subject: "s", Lead: "l"}
	}})
	return joined, failures
}

func TestRelatedMessagesReachEachRecipientOnceInOneEMail(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	message := func(key string, to ...notice.Role) notice.Message {
		return notice.Message{Key: key, Kind: notice.NoticeAlert, Subject: "s", Lead: "l", To: to}
	}
	one := message("1", notice.ProductOwner, notice.Support)
	two := message("2", notice.ProductOwner, notice.Management, notice.Support)
	joined, failures := b.tellTogether(t, false, one, two)
	require.Empty(t, failures)
	require.Empty(t, joined)
	require.Len(t, b.posted(), 2, "webhooks are told of each at once")

	b.outcome["bo@example.com"] = trial.SendResult{Status: trial.SendReleased, Reason: "throttled"}
	joined, failures = b.tellTogether(t, true, one, two)
	require.Equal(t, [][]string{{"1", "2"}, {"2"}}, joined)
	require.Equal(t, []string{"ana@example.com", "bo@example.com"}, b.mails)
	require.NotContains(t, failures, "1")
	require.ErrorContains(t, failures["2"], "not accepted (throttled)")

	delete(b.outcome, "bo@example.com")
	joined, failures = b.tellTogether(t, true, one, two, message("3", notice.ProductOwner))
	require.Empty(t, failures)
	require.Equal(t, [][]string{{"3"}, {"2"}}, joined, "each is told of what it was not told of")
	require.Len(t, b.posted(), 2)

	b.broken = errors.New("the database is away")
	_, failures = b.tellTogether(t, true, message("4", notice.ProductOwner))
	require.ErrorContains(t, failures["4"], "the database is away")
}

func TestTogetherWhoHasTwoRolesGetsOneEMail(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.stakeholders = []notice.Stakeholder{{Role: notice.DevOps, Email: "ana@example.com"}, {Role: notice.DBA, Email: "Ana@example.com"}}
	joined, failures := b.tellTogether(t, true,
		notice.Message{Key: "1", Kind: notice.NoticeAlert, Subject: "s", Lead: "l", To: []notice.Role{notice.DevOps}},
		notice.Message{Key: "2", Kind: notice.NoticeAlert, Subject: "s", Lead: "l", To: []notice.Role{notice.DBA}})
	require.Empty(t, failures)
	require.Equal(t, [][]string{{"1", "2"}}, joined)
}

// A worker registers every method of these.
func TestAllActivitiesCanBeRegistered(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	for _, a := range []any{
		&activities.Trials{}, &activities.Sweep{}, &activities.Rollouts{}, &activities.Notices{}, &activities.Watch{}, &activities.Reports{},
		&activities.Alerts{}, &activities.Bulk{}, &activities.Backups{},
	} {
		require.NotPanics(t, func() { env.RegisterActivity(a) }, "%T", a)
	}
}

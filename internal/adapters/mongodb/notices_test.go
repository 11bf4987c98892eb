package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

const noticeKey = "r1/7/product-owner-0123456789ab"

// claimNotice claims n times at once and tells how many claims were granted.
func claimNotice(t *testing.T, s *Store, n int) (granted int) {
	t.Helper()
	claimed, errs := make([]bool, n), make([]error, n)
	together(n, func(i int) { claimed[i], errs[i] = s.ClaimNotice(t.Context(), noticeKey, at) })
	for i := range n {
		require.NoError(t, errs[i])
		if claimed[i] {
			granted++
		}
	}
	return granted
}

func settleNotice(t *testing.T, s *Store, status trial.SendStatus) {
	t.Helper()
	require.NoError(t, s.SettleNotice(t.Context(), noticeKey, status, "reason", at.Add(time.Second)))
}

func TestANoticeIsClaimedOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.Equal(t, 1, claimNotice(t, s, 16))
	status, err := s.NoticeStatus(t.Context(), noticeKey)
	require.NoError(t, err)
	require.Equal(t, trial.SendClaimed, status)
	other, err := s.ClaimNotice(t.Context(), "r1/7/support-0123456789ab", at)
	require.NoError(t, err)
	require.True(t, other, "each recipient by itself")
}

func TestAReleasedNoticeIsClaimedOnceMore(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for attempt := 1; attempt <= 5; attempt++ {
		require.Equal(t, 1, claimNotice(t, s, 16), "attempt %d", attempt)
		settleNotice(t, s, trial.SendReleased)
	}
	doc, err := s.findNotice(t.Context(), noticeKey)
	require.NoError(t, err)
	require.Equal(t, 5, doc.Attempt.Number)
	require.Equal(t, "reason", doc.Attempt.Reason)
	require.Equal(t, at.Add(time.Second), doc.Attempt.SettledAt.UTC())
}

func TestSettledNotices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settle  []trial.SendStatus
		want    trial.SendStatus
		claimed int
	}{
		"sent":                       {[]trial.SendStatus{trial.SendSent}, trial.SendSent, 0},
		"refused":                    {[]trial.SendStatus{trial.SendRefused}, trial.SendRefused, 0},
		"unknown is not repeated":    {[]trial.SendStatus{trial.SendUnknown}, trial.SendUnknown, 0},
		"unknown, but it was sent":   {[]trial.SendStatus{trial.SendUnknown, trial.SendSent}, trial.SendSent, 0},
		"unknown, but it surely not": {[]trial.SendStatus{trial.SendUnknown, trial.SendReleased}, trial.SendClaimed, 1},
		"sent stays":                 {[]trial.SendStatus{trial.SendSent, trial.SendUnknown, trial.SendReleased, trial.SendRefused}, trial.SendSent, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			require.Equal(t, 1, claimNotice(t, s, 1))
			for _, status := range c.settle {
				settleNotice(t, s, status)
			}
			require.Equal(t, c.claimed, claimNotice(t, s, 4))
			status, err := s.NoticeStatus(t.Context(), noticeKey)
			require.NoError(t, err)
			require.Equal(t, c.want, status)
		})
	}
	s := newTestStore(t)
	requireCode(t, trial.CodeInvalid, s.SettleNotice(t.Context(), noticeKey, trial.SendClaimed, "", at))
	require.Error(t, s.SettleNotice(t.Context(), noticeKey, trial.SendSent, "", at), "never claimed")
	_, err := s.NoticeStatus(t.Context(), noticeKey)
	require.Error(t, err)
}

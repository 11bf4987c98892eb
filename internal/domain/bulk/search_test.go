package bulk_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/bulk"
)

// However a search is paged, it finds each item that it takes once, in order, and
// looks at no item twice.
func TestASearchFindsEveryItemOnce(t *testing.T) {
	t.Parallel()
	outcomes := append(bulk.Outcomes(), bulk.NoOutcome)
	rapid.Check(t, func(t *rapid.T) {
		items := make([]bulk.Item, rapid.IntRange(0, 2500).Draw(t, "items"))
		likely := rapid.SampledFrom(outcomes).Draw(t, "likely")
		rare := rapid.SliceOfN(rapid.IntRange(1, 2500), 0, 5).Draw(t, "rare")
		s := bulk.Search{Outcome: rapid.SampledFrom(append(outcomes, "")).Draw(t, "wanted"), Limit: rapid.IntRange(1, 500).Draw(t, "limit")}
		var want []int
		for i := range items {
			items[i].Number = i + 1
			outcome := likely
			for _, number := range rare {
				if number == i+1 {
					outcome = outcomes[number%len(outcomes)]
				}
			}
			if outcome != bulk.NoOutcome {
				items[i].Result = new(bulk.NewResult(outcome, "r", "", now))
			}
			if s.Outcome == "" || s.Outcome == outcome {
				want = append(want, i+1)
			}
		}
		var got []int
		for looked := 0; ; {
			page, next, err := s.Find(func(number int) (bulk.Item, bool, error) {
				if number > len(items) {
					return bulk.Item{}, false, nil
				}
				looked++
				if number != looked {
					t.Fatalf("looked at %d after %d", number, looked-1)
				}
				return items[number-1], true, nil
			})
			if err != nil || len(page) > s.Limit || next != 0 && next <= s.After {
				t.Fatalf("%d found, next %d, %v", len(page), next, err)
			}
			for _, i := range page {
				got = append(got, i.Number)
			}
			if next == 0 {
				break
			}
			s.After = next
		}
		if len(got) != len(want) {
			t.Fatalf("%d of %d found", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("found %d, not %d", got[i], want[i])
			}
		}
	})
}

func TestASearchLooksAtAThousand(t *testing.T) {
	t.Parallel()
	s, looked := bulk.Search{Outcome: bulk.Failed, After: 500, Limit: 10}, 0
	found, next, err := s.Find(func(number int) (bulk.Item, bool, error) {
		looked++
		return bulk.Item{Number: number}, true, nil
	})
	require.NoError(t, err)
	require.Empty(t, found)
	require.Equal(t, 1000, looked)
	require.Equal(t, 1500, next)
	unavailable := errors.New("away")
	_, _, err = s.Find(func(int) (bulk.Item, bool, error) { return bulk.Item{}, false, unavailable })
	require.ErrorIs(t, err, unavailable)
}

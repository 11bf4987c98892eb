package system_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/system"
)

func TestACommandIsRepeatedAsItsOutputAsks(t *testing.T) {
	t.Parallel()
	const asked = "starter: it took too long; try again (request r-1)\n"
	failed := errors.New("exit status 1")
	for name, c := range map[string]struct {
		out   string
		fails int
		more  [][]string
		err   error
	}{
		"at once":                 {asked, 0, [][]string{nil}, nil},
		"a reading one":           {asked, 1, [][]string{nil, nil}, nil},
		"a change":                {asked + "To be sure, repeat it with --idempotency-key k-1\n", 2, [][]string{nil, {"--idempotency-key", "k-1"}, {"--idempotency-key", "k-1"}}, nil},
		"three times, no more":    {asked, 3, [][]string{nil, nil, nil}, failed},
		"wrong whenever it is so": {"starter: the trial is over (request r-1)\n", 1, [][]string{nil}, failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var given [][]string
			_, err := system.Persist(context.Background(), func(more ...string) (string, error) {
				given = append(given, more)
				if len(given) <= c.fails {
					return c.out, failed
				}
				return "done\n", nil
			})
			require.ErrorIs(t, err, c.err)
			require.Equal(t, c.more, given)
		})
	}
}

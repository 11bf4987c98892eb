package test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/cost"
	"marketplace.example/trials/test/system"
)

// Pages and lists cost the same however many trials there are: in commands to the database, and in bytes. `make bench` shows it for
// a hundred thousand, with the processor's time.
func TestPagesCostTheSameWithMoreTrials(t *testing.T) {
	t.Parallel()
	const few, many, limit = 1_000, 2_000, 1.2
	subject := func(name string, trials int) *cost.Subject {
		s, err := cost.Start(t.Context(), embedded, trials, func(ctx context.Context, o system.Options) (*system.System, error) {
			o.Stack, o.Database, o.Namespace, o.LogDir = embedded, "cost_"+name, "cost-"+name, filepath.Clean(t.TempDir())
			return system.Start(ctx, o)
		})
		require.NoError(t, err)
		t.Cleanup(s.Stop)
		return s
	}
	small, large := subject("few", few), subject("many", many)
	for _, a := range cost.Addresses() {
		if a.Grows != "" {
			continue
		}
		less, more, err := cost.Compare(t.Context(), small, large, a, 1)
		if err == nil && (float64(more.Commands) > limit*float64(less.Commands) || float64(more.Bytes) > limit*float64(less.Bytes)) {
			less, more, err = cost.Compare(t.Context(), small, large, a, 5) // the process may have looked at its alerts meanwhile
		}
		require.NoError(t, err, a.Path)
		assert.Equal(t, less.Status, more.Status, a.Path)
		assert.LessOrEqual(t, float64(more.Commands), limit*float64(less.Commands), "commands of %s", a.Path)
		assert.LessOrEqual(t, float64(more.Bytes), limit*float64(less.Bytes), "bytes of %s", a.Path)
	}
}

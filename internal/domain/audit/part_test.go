package audit_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/audit"
)

// entriesOf are entries of a drawn record, from one place on.
func entriesOf(t *rapid.T) []audit.Entry {
	var entries []audit.Entry
	for _, p := range record(t, 2, 12) {
		entries = append(entries, p.entry)
	}
	return entries[rapid.IntRange(0, len(entries)-2).Draw(t, "from"):]
}

func TestAPartOfAWholeRecordIsWhole(t *testing.T) {
	t.Parallel()
	require.NoError(t, audit.CheckPart(nil, false))
	rapid.Check(t, func(t *rapid.T) {
		entries := entriesOf(t)
		require.NoError(t, audit.CheckPart(entries, false))
		kept := slices.DeleteFunc(slices.Clone(entries), func(audit.Entry) bool { return rapid.Bool().Draw(t, "left out") })
		require.NoError(t, audit.CheckPart(kept, true))
	})
}

func TestWhatIsWrongWithAPartIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries, sparse := entriesOf(t), rapid.Bool().Draw(t, "sparse")
		at := rapid.IntRange(0, len(entries)-1).Draw(t, "which")
		altered := slices.Clone(entries)
		change := rapid.SampledFrom(slices.Sorted(maps.Keys(alterations))).Draw(t, "field")
		alterations[change](&altered[at])
		requireBreak(t, audit.CheckPart(altered, sparse), entries[at].Seq, audit.Altered)

		at = rapid.IntRange(0, len(entries)-2).Draw(t, "made anew")
		anew := slices.Clone(entries)
		e := anew[at]
		e.Reason += "x"
		anew[at] = audit.Next(audit.Entry{Seq: e.Seq - 1, Hash: e.Previous}, e)
		requireBreak(t, audit.CheckPart(anew, sparse), entries[at].Seq+1, audit.Unlinked)

		if len(entries) > 2 {
			gone := rapid.IntRange(1, len(entries)-2).Draw(t, "removed")
			requireBreak(t, audit.CheckPart(slices.Delete(slices.Clone(entries), gone, gone+1), false), entries[gone].Seq, audit.Missing)
		}
		slices.Reverse(entries)
		requireBreak(t, audit.CheckPart(entries, sparse), entries[1].Seq, audit.Misplaced)
	})
}

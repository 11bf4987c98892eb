package audit

// CheckPart checks an excerpt of the record, in the
// order of the numbers: whether each entry matches its hash, and whether
// each was written after the entry before it. If sparse, entries
// in between may be missing. The error is a *Break.
//
// It does not see changes before the first or after the last entry, or a record that was rewritten as a
// whole: that takes a Verifier.
func CheckPart(entries []Entry, sparse bool) error {
	for i, e := range entries {
		v := Verifier{last: Entry{Seq: e.Seq - 1, Hash: e.Previous}} // unknown, and so assumed to be right
		if i > 0 && (!sparse || e.Seq-entries[i-1].Seq <= 1) {
			v.last = entries[i-1]
		}
		if b := v.check(e.Seq, e); b != nil {
			return b
		}
	}
	return nil
}

package audit

// CheckPart looks at entries that somebody has taken out of the record, in the
// order of their numbers: whether each is what its hash was made of, and whether
// one that follows another was written after it. Where the part is sparse entries
// in between may be left out; else none may be missing. The error is a *Break.
//
// What is before the first, what is behind the last, and whether all of it was made
// anew is not seen: that takes a Verifier.
func CheckPart(entries []Entry, sparse bool) error {
	for i, e := range entries {
		v := Verifier{last: Entry{Seq: e.Seq - 1, Hash: e.Previous}} // which is not seen, and so taken as it should be
		if i > 0 && (!sparse || e.Seq-entries[i-1].Seq <= 1) {
			v.last = entries[i-1]
		}
		if b := v.check(e.Seq, e); b != nil {
			return b
		}
	}
	return nil
}

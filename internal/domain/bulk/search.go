package bulk

// NoOutcome stands, where items are searched for, for those without a result.
const NoOutcome Outcome = "open"

// looks bounds how many items one search looks at, however few of them it finds.
const looks = 1000

// Search is which items of an operation somebody wants to see.
type Search struct {
	// Outcome is what became of them, or NoOutcome; empty takes all.
	Outcome Outcome
	// After is the number that they come after.
	After int
	// Limit bounds how many are found.
	Limit int
}

// Find goes through the items in the order of their numbers; read answers with one,
// and whether there is one of that number. next is the number to go on after, 0 at the
// end: there may be more even where few were found, or none.
func (s Search) Find(read func(number int) (Item, bool, error)) (found []Item, next int, err error) {
	for number := s.After + 1; ; number++ {
		if len(found) == s.Limit || number > s.After+looks {
			return found, number - 1, nil
		}
		item, there, err := read(number)
		if err != nil || !there {
			return found, 0, err
		}
		if s.takes(item) {
			found = append(found, item)
		}
	}
}

func (s Search) takes(i Item) bool {
	switch {
	case s.Outcome == "":
		return true
	case i.Result == nil:
		return s.Outcome == NoOutcome
	}
	return s.Outcome == i.Result.Outcome
}

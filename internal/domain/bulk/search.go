package bulk

// NoOutcome selects items without a result in a search.
const NoOutcome ItemOutcome = "open"

// mostSearched bounds how many items one search reads, however few match.
const mostSearched = 1000

// Search selects items of an operation.
type Search struct {
	// Outcome is their outcome, or NoOutcome; empty selects all.
	Outcome ItemOutcome
	// After is the number after which to start.
	After int
	// Limit bounds how many are returned.
	Limit int
}

// Find goes through the items in the order of their numbers; read returns one,
// and whether there is one of that number. next is the number to continue after, 0 at the
// end: there may be more even if few were found, or none.
func (s Search) Find(read func(number int) (Item, bool, error)) (found []Item, next int, err error) {
	for number := s.After + 1; ; number++ {
		if len(found) == s.Limit || number > s.After+mostSearched {
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

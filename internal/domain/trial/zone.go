package trial

// Whereabouts compares the zone that a running trial is planned in with its vendor's document.
type Whereabouts struct {
	// Trial has VendorID, Seq, Status, Automated, Day, Zone, and Revision; the rest is unused.
	Trial State
	// Zone is the document's zone, empty if it has no known one.
	Zone string
	// Unknown says that the document's zone is not a known one.
	Unknown bool
}

// Differs reports whether there is anything to do: the vendor has moved, or its zone is unknown.
func (w Whereabouts) Differs() bool { return w.Unknown || w.Zone != "" && w.Zone != w.Trial.Zone }

package trial

// Whereabouts compares the zone that a running trial is planned in with what its vendor's document says now.
type Whereabouts struct {
	// Trial has VendorID, Seq, Status, Automated, Day, Zone, and Revision; the rest is not read.
	Trial State
	// Zone is the vendor's by its document, empty where that has none that is known.
	Zone string
	// Unknown says that the document has a zone and it is none that is known.
	Unknown bool
}

// Differs tells whether there is anything to do: the vendor has moved, or nobody knows where to.
func (w Whereabouts) Differs() bool { return w.Unknown || w.Zone != "" && w.Zone != w.Trial.Zone }

package trial

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// SuppressionRecord is all that is on record of what a vendor wants, of what its addresses did, and of what was lifted. Each part
// only grows, First only becomes earlier: in whichever order things become known, however often, and whatever a restore merges, the
// same comes of it. The zero value stops nothing.
type SuppressionRecord struct {
	// Unsubscribed is the vendor's latest wish for no e-mail, nil for none; AskedAt when it last asked for e-mail again, zero for never.
	Unsubscribed *Suppression
	AskedAt      time.Time
	// Addresses are those that bounced or complained, by hash; of which it is not known which, under the empty one.
	Addresses map[string]AddressRecord
	// Lifts are when a person last lifted what stopped an address, by hash.
	Lifts map[string]time.Time
}

// AddressRecord is what an address did.
type AddressRecord struct {
	// First is the first of it, nil for unknown.
	First *Suppression
	// Latest is the latest of each cause.
	Latest map[Cause]LatestStop
}

// LatestStop is the latest bounce or complaint of an address.
type LatestStop struct {
	// From is the moment that only a later lift ends: of a bounce when its e-mail was sent, else At.
	From time.Time `json:"from"`
	// At is when it happened.
	At time.Time `json:"at"`
}

// Latest is the suppression as the latest of its cause.
func (s Suppression) Latest() LatestStop { return LatestStop{From: s.from(), At: s.At} }

func (l LatestStop) compare(o LatestStop) int {
	return cmp.Or(l.From.Compare(o.From), l.At.Compare(o.At))
}

// Stop is something that stops e-mail to an address now.
type Stop struct {
	Suppression

	// Asked says that the vendor has asked for e-mail again since; From is the moment that only a later lift ends.
	Asked bool
	From  time.Time
}

// isLike reports whether both are of one cause at one address.
func (s Stop) isLike(o Stop) bool { return s.Why() == o.Why() && s.AddressHash == o.AddressHash }

// RecordOf is the record of what is known, in any order.
func RecordOf(known []Suppression) (r SuppressionRecord) {
	for _, p := range known {
		r = r.With(p)
	}
	return r
}

// With is the record once something else is known.
func (r SuppressionRecord) With(p Suppression) SuppressionRecord {
	switch p.Reason { //nolint:exhaustive // no other reason stops e-mail, or ends that
	case ReasonUnsubscribed:
		if r.Unsubscribed == nil || p.At.After(r.Unsubscribed.At) {
			r.Unsubscribed = &p
		}
	case ReasonResubscribed:
		r.AskedAt = latest(r.AskedAt, p.At)
	case ReasonLifted:
		if p.AddressHash == "" {
			break // a lift is of one address
		}
		r.Lifts = with(r.Lifts, p.AddressHash, latest(r.Lifts[p.AddressHash], p.At))
	case ReasonSuppressedAddress:
		a := r.Addresses[p.AddressHash]
		if a.First == nil || p.At.Before(a.First.At) {
			a.First = &p
		}
		if before, known := a.Latest[p.Why()]; !known || before.compare(p.Latest()) < 0 {
			a.Latest = with(a.Latest, p.Why(), p.Latest())
		}
		r.Addresses = with(r.Addresses, p.AddressHash, a)
	}
	return r
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// with is a copy of a map that has one value more, or another.
func with[K comparable, V any](m map[K]V, key K, value V) map[K]V {
	m = maps.Clone(m)
	if m == nil {
		m = map[K]V{}
	}
	m[key] = value
	return m
}

// OptedOut reports whether the vendor wants no e-mail: its latest wish counts, and no lift ends it.
func (r SuppressionRecord) OptedOut() bool {
	return r.Unsubscribed != nil && !ended(r.Unsubscribed.At, r.AskedAt)
}

// ended reports whether what counts from a moment was ended by a later one. In doubt it was not.
func ended(from, by time.Time) bool { return !by.IsZero() && from.Before(by) }

// Stopping are all that stop e-mail to an address now, the weightiest first. A bounce ends with a later lift; a complaint, and
// what may be one, with a lift once the vendor has asked for e-mail again.
func (r SuppressionRecord) Stopping(hash string) (stops []Stop) {
	if r.OptedOut() {
		stops = append(stops, Stop{Suppression: *r.Unsubscribed, From: r.Unsubscribed.At})
	}
	for _, of := range slices.Compact([]string{"", hash}) {
		if a, known := r.Addresses[of]; known {
			stops = append(stops, a.stopping(of, r.Lifts[hash], r.AskedAt)...)
		}
	}
	return stops
}

// stopping are what of an address's record is not ended.
func (a AddressRecord) stopping(hash string, lifted, asked time.Time) (stops []Stop) {
	for _, cause := range []Cause{CauseComplaint, CauseUnknown, CauseBounce} {
		l, known := a.Latest[cause]
		if !known && a.First != nil && a.First.Why() == cause {
			l, known = a.First.Latest(), true // stored before the latest were
		}
		if !known || ended(l.From, lifted) && (cause == CauseBounce || ended(l.From, asked)) {
			continue
		}
		s := Stop{
			Suppression: Suppression{Reason: ReasonSuppressedAddress, At: l.At, AddressHash: hash, Cause: cause},
			Asked:       ended(l.From, asked), From: l.From,
		}
		if cause == CauseUnknown {
			s.Cause = ""
		}
		if a.First != nil && a.First.Why() == cause && !ended(a.First.At, lifted) {
			s.At = a.First.At
		}
		stops = append(stops, s)
	}
	return stops
}

// StopsMore reports whether something stops e-mail by r that did not before: to any address on record, or to one that is not. It
// counts also where the address was stopped already, since what stopped it may end without what came on top of it.
func (r SuppressionRecord) StopsMore(before SuppressionRecord) bool {
	hashes := append(slices.Collect(maps.Keys(r.Addresses)), slices.Collect(maps.Keys(r.Lifts))...)
	return slices.ContainsFunc(append(hashes, ""), func(hash string) bool {
		known := before.Stopping(hash)
		return slices.ContainsFunc(r.Stopping(hash), func(s Stop) bool { return !slices.ContainsFunc(known, s.isLike) })
	})
}

// All are the parts of the record as they are shown and compared: the vendor's wish first, then by address what it did and when
// that was lifted.
func (r SuppressionRecord) All() []Suppression {
	all := []Suppression{}
	switch {
	case r.OptedOut():
		all = append(all, *r.Unsubscribed)
	case !r.AskedAt.IsZero():
		all = append(all, Suppression{Reason: ReasonResubscribed, At: r.AskedAt})
	}
	hashes := append(slices.Collect(maps.Keys(r.Addresses)), slices.Collect(maps.Keys(r.Lifts))...)
	slices.Sort(hashes)
	for _, hash := range slices.Compact(hashes) {
		a := r.Addresses[hash]
		if a.First != nil {
			first := *a.First
			first.SentAt = time.Time{}
			all = append(all, first)
		}
		for _, cause := range []Cause{CauseComplaint, CauseUnknown, CauseBounce} {
			l, known := a.Latest[cause]
			if !known || a.First != nil && a.First.Why() == cause && l.At.Equal(a.First.At) {
				continue
			}
			p := Suppression{Reason: ReasonSuppressedAddress, At: l.At, AddressHash: hash}
			if cause != CauseUnknown {
				p.Cause = cause
			}
			all = append(all, p)
		}
		if at, lifted := r.Lifts[hash]; lifted {
			all = append(all, Suppression{Reason: ReasonLifted, At: at, AddressHash: hash})
		}
	}
	return all
}

// AskAgainAt is the moment at which the vendor asks for e-mail again, later than all that it takes back, also by a clock that is
// behind; asks is false where there is nothing to take back.
func (r SuppressionRecord) AskAgainAt(now time.Time) (at time.Time, asks bool) {
	at = now
	over := func(moment time.Time) {
		asks = asks || !ended(moment, r.AskedAt)
		if !moment.Before(at) {
			at = moment.UTC().Add(time.Millisecond)
		}
	}
	if r.Unsubscribed != nil {
		over(r.Unsubscribed.At)
	}
	for _, a := range r.Addresses {
		for cause, l := range a.Latest {
			if cause != CauseBounce {
				over(l.From)
			}
		}
		if a.First != nil && a.First.Why() != CauseBounce {
			over(a.First.At)
		}
	}
	return at, asks
}

// AskAgainAt is the record's AskAgainAt where what another vendor's e-mail did at the vendor's present address is to be taken back too.
func (v Vendor) AskAgainAt(r SuppressionRecord, now time.Time) (at time.Time, asks bool) {
	at, asks = r.AskAgainAt(now)
	for _, s := range v.Stops {
		if s.Asked || s.Why() == CauseBounce {
			continue
		}
		asks = true
		if !s.From.Before(at) {
			at = s.From.UTC().Add(time.Millisecond)
		}
	}
	return at, asks
}

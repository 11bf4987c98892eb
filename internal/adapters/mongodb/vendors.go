package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// registration is what is decided about a vendor once.
type registration struct {
	StartedAt         time.Time    `json:"startedAt"`
	Cohort            trial.Cohort `json:"cohort"`
	Bucket            float64      `json:"bucket"`
	RolloutPercentage float64      `json:"rolloutPercentage"`
	FlagsVersion      int          `json:"flagsVersion"`
	Policy            string       `json:"policy"`
	RegisteredAt      time.Time    `json:"registeredAt"`
	// PolicyBy and Attributes say why it is that policy; an erasure removes the attributes.
	PolicyBy   trial.PolicyBy   `json:"policyBy,omitempty"`
	Attributes trial.Attributes `json:"attributes,omitempty"`
	// Experiment is the arm that was dealt; nil for none.
	Experiment *trial.Assignment `json:"experiment,omitempty"`
}

func newRegistration(v trial.Vendor) (registration, error) {
	switch {
	case !trial.ValidVendorID(v.ID):
		return registration{}, trial.Invalid("id", "must be 1 to 64 letters, digits, underscores or dashes")
	case v.Automation == nil || v.StartedAt.IsZero():
		return registration{}, fmt.Errorf("vendor %s has no cohort or no start", v.ID)
	}
	a := v.Automation
	return registration{
		StartedAt: v.StartedAt, Cohort: a.Cohort, Bucket: a.Bucket, RolloutPercentage: a.RolloutPercentage,
		FlagsVersion: a.FlagsVersion, Policy: a.Policy, RegisteredAt: a.RegisteredAt,
		PolicyBy: a.PolicyBy, Attributes: a.Attributes, Experiment: a.Experiment,
	}, nil
}

// automation is the part that trialAutomation holds; prefix leads its names.
func (r registration) automation(prefix string) bson.D {
	fields := bson.D{
		{Key: prefix + "cohort", Value: r.Cohort},
		{Key: prefix + "bucket", Value: r.Bucket},
		{Key: prefix + "rolloutPercentage", Value: r.RolloutPercentage},
		{Key: prefix + "flagsVersion", Value: r.FlagsVersion},
		{Key: prefix + "policy", Value: r.Policy},
		{Key: prefix + "registeredAt", Value: r.RegisteredAt},
	}
	if r.PolicyBy != "" {
		fields = append(fields, bson.E{Key: prefix + "policyBy", Value: r.PolicyBy})
	}
	if len(r.Attributes) > 0 {
		fields = append(fields, bson.E{Key: prefix + "attributes", Value: r.Attributes})
	}
	if r.Experiment != nil {
		fields = append(fields, bson.E{Key: prefix + "experiment", Value: r.Experiment})
	}
	return fields
}

// RegisterVendor makes the vendor's document, or adds the trial's fields to the
// one that the marketplace has made. It answers with the vendor as stored, and
// whether this call decided its registration. A vendor registered before stays
// as it is: of several calls one decides, and all see the same.
// A user that was no vendor becomes one; what its document lacks is filled in. A vendor
// that was erased and whose document is gone is a *trial.Error with CodeConflict.
func (s *Store) RegisterVendor(ctx context.Context, v trial.Vendor) (registered trial.Vendor, created bool, err error) {
	s = s.of(v.ID)
	r, err := newRegistration(v)
	if err != nil {
		return trial.Vendor{}, false, fmt.Errorf("registering a vendor: %w", err)
	}
	action := "registering vendor " + v.ID
	key, u, err := s.findUser(ctx, v.ID)
	if err == nil {
		return s.admit(ctx, key, u, r, &v)
	}
	if !errors.Is(err, mongo.ErrNoDocuments) {
		return trial.Vendor{}, false, failed(action, err)
	}
	var erasure *trial.Erasure
	var both errgroup.Group // beside each other: a registration waits for every answer
	both.Go(func() (err error) { erasure, err = s.erased(ctx, v.ID); return err })
	both.Go(func() (err error) { r, err = s.decided(ctx, v.ID, r); return err })
	if err := both.Wait(); err != nil {
		return trial.Vendor{}, false, err
	}
	if erasure != nil { // and the document is gone since
		return trial.Vendor{}, false, &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "was erased; a vendor who comes back needs another id"}
	}
	doc := newUser(v, r)
	raw, err := bson.Marshal(doc)
	if err != nil {
		return trial.Vendor{}, false, fmt.Errorf("%s: %w", action, err)
	}
	_, err = s.users.InsertOne(ctx, doc)
	if err == nil {
		// The document comes first: where a unique index of the marketplace's stands
		// against it, nothing was decided.
		_, err = insert(ctx, action, s.idempotencyKeys, firstDocument[registration]{Key: registrationKey(v.ID), Value: r})
		if err != nil {
			return trial.Vendor{}, false, err
		}
		return readUser(raw).vendor, true, nil
	}
	if !mongo.IsDuplicateKeyError(err) {
		return trial.Vendor{}, false, refusedDocument(action, err)
	}
	key, u, err = s.findUser(ctx, v.ID) // somebody was faster
	if errors.Is(err, mongo.ErrNoDocuments) {
		// A unique index of the marketplace's own stands against it.
		return trial.Vendor{}, false, &trial.Error{Code: trial.CodeConflict, Field: "email", Message: "belongs to another user"}
	}
	if err != nil {
		return trial.Vendor{}, false, failed(action, err)
	}
	return s.admit(ctx, key, u, r, &v)
}

// decided is what is on record of a vendor's registration; otherwise what is decided now.
func (s *Store) decided(ctx context.Context, id string, now registration) (registration, error) {
	before, err := lookUp[registration](ctx, s, registrationKey(id))
	if err != nil {
		return now, err
	}
	if before != nil {
		return *before, nil
	}
	state, found, err := s.Trial(ctx, id)
	if err != nil || !found {
		return now, err
	}
	return registration{
		StartedAt: state.StartedAt, Cohort: state.Cohort, Bucket: now.Bucket, Policy: state.RegisteredPolicy(), RegisteredAt: state.StartedAt,
		Experiment: state.Experiment,
	}, nil
}

func newUser(v trial.Vendor, r registration) bson.D {
	createdAt := v.CreatedAt
	if createdAt.IsZero() {
		createdAt = v.StartedAt
	}
	doc := bson.D{
		{Key: "_id", Value: v.ID},
		{Key: "isVendor", Value: true},
		{Key: "email", Value: v.Email},
		{Key: "name", Value: v.Name},
	}
	if v.Zone != "" {
		doc = append(doc, bson.E{Key: "timezone", Value: v.Zone})
	}
	if v.Locale != "" {
		doc = append(doc, bson.E{Key: "locale", Value: v.Locale})
	}
	return append(doc,
		bson.E{Key: "createdAt", Value: createdAt},
		bson.E{Key: "trialStartDate", Value: r.StartedAt},
		bson.E{Key: "trialAutomation", Value: r.automation("")})
}

// TakeIn adds the trial's fields to a vendor that the marketplace put straight
// into its collection, and answers with the vendor as stored. A vendor taken in
// before stays as it is. Without such a document it is a *trial.Error with
// CodeNotFound.
func (s *Store) TakeIn(ctx context.Context, v trial.Vendor) (trial.Vendor, error) {
	s = s.of(v.ID)
	r, err := newRegistration(v)
	if err != nil {
		return trial.Vendor{}, fmt.Errorf("taking in a vendor: %w", err)
	}
	key, u, err := s.findUser(ctx, v.ID)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return trial.Vendor{}, fmt.Errorf("taking in a vendor: %w", trial.NotFound(v.ID))
	}
	if err != nil {
		return trial.Vendor{}, failed("taking in vendor "+v.ID, err)
	}
	taken, _, err := s.admit(ctx, key, u, r, nil)
	return taken, err
}

// admit adds the registration to a document that is there. The decision is
// kept first; adding it may then be done by several at once, and again. asked is
// the marketplace's word that the user is a vendor; nil where it has not said so to us.
func (s *Store) admit(ctx context.Context, key any, u user, r registration, asked *trial.Vendor) (trial.Vendor, bool, error) {
	id := u.vendor.ID
	switch {
	case !u.isVendor && asked == nil:
		return trial.Vendor{}, false, &trial.Error{Code: trial.CodeConflict, Field: "id", Message: fmt.Sprintf("the user %q is no vendor", id)}
	case !u.isVendor && u.vendor.Email != "" && trial.AddressHash(u.vendor.Email) != trial.AddressHash(asked.Email):
		return trial.Vendor{}, false, &trial.Error{Code: trial.CodeConflict, Field: "email", Message: fmt.Sprintf("the user %q has another address", id)}
	case u.isVendor && u.vendor.Automation != nil:
		v, err := s.Vendor(ctx, id)
		return v, false, err
	}
	r, err := s.decided(ctx, id, r)
	if err != nil {
		return trial.Vendor{}, false, err
	}
	r, mine, err := first(ctx, s, registrationKey(id), r)
	if err != nil {
		return trial.Vendor{}, false, err
	}
	if u.foreign {
		if err := s.clearForeign(ctx, id, key); err != nil {
			return trial.Vendor{}, false, err
		}
	}
	update, err := s.admission(ctx, u, r, asked)
	if err != nil {
		return trial.Vendor{}, false, err
	}
	if _, err := s.updateUser(ctx, id, update); err != nil {
		return trial.Vendor{}, false, refusedDocument("taking in vendor "+id, err)
	}
	v, err := s.Vendor(ctx, id)
	return v, mine, err
}

// admission is the update that adds to a document what was decided about the vendor, and what is on
// record of it since: the marketplace may have replaced the document.
func (s *Store) admission(ctx context.Context, u user, r registration, asked *trial.Vendor) (bson.D, error) {
	var note vendorNote
	known, err := s.onRecord(ctx, u.vendor.ID, "")
	if err != nil {
		return nil, err
	}
	if known.erasure != nil {
		r.Attributes = nil
	}
	note.set = append(bson.D{{Key: "trialStartDate", Value: r.StartedAt}}, r.automation("trialAutomation.")...)
	if known.erasure != nil {
		note.set = append(note.set, bson.E{Key: "trialAutomation.erasedAt", Value: known.erasure.At})
	}
	if known.conversion != nil {
		note.conversion(*known.conversion)
	}
	if asked == nil || u.isVendor {
		return note.update(), nil
	}
	note.set = append(note.set, bson.E{Key: "isVendor", Value: true})
	for _, f := range []struct{ field, has, want string }{
		{"email", u.vendor.Email, asked.Email}, {"name", u.vendor.Name, asked.Name}, {"timezone", u.vendor.Zone, asked.Zone},
		{"locale", u.vendor.Locale, asked.Locale},
	} {
		if f.has == "" && f.want != "" && known.erasure == nil {
			note.set = append(note.set, bson.E{Key: f.field, Value: f.want})
		}
	}
	return note.update(), nil
}

// clearForeign makes way for a document where trialAutomation is something else.
// Null, numbers and text are less than any document, so that the greater of the two is
// an empty one; what another call has put there meanwhile is greater still.
func (s *Store) clearForeign(ctx context.Context, id string, key any) error {
	u, err := s.updateUser(ctx, id, bson.D{{Key: "$max", Value: bson.D{{Key: "trialAutomation", Value: bson.D{}}}}})
	if err != nil {
		return failed("clearing a trialAutomation that is no document", err)
	}
	if !u.foreign {
		return nil
	}
	// Lists, flags and dates are greater. The filter keeps what another call has put there;
	// it reads the whole collection on some servers, and is needed hardly ever.
	filter := append(byID(key), bson.E{Key: "trialAutomation", Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "object"}}}}})
	return update(ctx, "clearing a trialAutomation that is no document", s.users, filter,
		bson.D{{Key: "$unset", Value: bson.D{{Key: "trialAutomation", Value: ""}}}})
}

// findUser reads the user whose _id is the id, or the ObjectID that it spells.
// It is mongo.ErrNoDocuments where there is none.
func (s *Store) findUser(ctx context.Context, id string) (key any, u user, err error) {
	if !trial.ValidVendorID(id) {
		return nil, user{}, mongo.ErrNoDocuments
	}
	for _, key = range userKeys(id) {
		var raw bson.Raw
		raw, err = s.users.FindOne(ctx, byID(key)).Raw()
		if err == nil {
			return key, readUser(raw), nil
		}
		if !errors.Is(err, mongo.ErrNoDocuments) {
			break
		}
	}
	return nil, user{}, err
}

// updateUser changes the user whose _id is the id, or the ObjectID that it
// spells, and answers with the user afterwards. It is mongo.ErrNoDocuments
// where there is none.
func (s *Store) updateUser(ctx context.Context, id string, update bson.D) (user, error) {
	var err error
	for _, key := range userKeys(id) {
		var raw bson.Raw
		raw, err = s.users.FindOneAndUpdate(ctx, byID(key), update, options.FindOneAndUpdate().SetReturnDocument(options.After)).Raw()
		if err == nil {
			return readUser(raw), nil
		}
		if !errors.Is(err, mongo.ErrNoDocuments) {
			break
		}
	}
	return user{}, err
}

// KeepRegistration keeps with which start and in which cohort a vendor is whose document is lost, so that it
// goes on so once the document comes back, over HTTP or straight into the collection. With which percentage
// that was decided is not known any more.
func (s *Store) KeepRegistration(ctx context.Context, r trial.Registration) error {
	s = s.of(r.VendorID)
	doc, err := s.Flags(ctx)
	if err != nil {
		return err
	}
	_, _, err = first(ctx, s, registrationKey(r.VendorID), registration{
		StartedAt: r.At, Cohort: r.Cohort, Bucket: flags.Bucket(doc.Salt, flags.Key, r.VendorID), Policy: r.Policy.Name, RegisteredAt: r.At,
		FlagsVersion: r.FlagsVersion, Experiment: r.Experiment,
	})
	return err
}

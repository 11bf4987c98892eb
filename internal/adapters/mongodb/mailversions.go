package mongodb

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/trial"
)

// maxMailVersion bounds a version of a template, in bytes. The built-in ones have less than 20,000.
const maxMailVersion = 1 << 20

// mailVersionDocument is a version of the template of one kind of e-mail in one language. It is inserted once, and holds nothing
// about any vendor.
type mailVersionDocument struct {
	Hash    string    `bson:"_id"`
	Content []byte    `json:"content"`
	At      time.Time `json:"at"`
}

// KeepMailVersion keeps a version of a template under its hash, unless it is there. One of more than 1 MB is a *trial.Error.
func (s *Store) KeepMailVersion(ctx context.Context, hash string, content []byte, at time.Time) error {
	if len(content) > maxMailVersion {
		return trial.Invalid("content", "has %d bytes, at most %d are kept", len(content), maxMailVersion)
	}
	_, err := insert(ctx, "keeping a version of an e-mail's template", s.mailVersions, mailVersionDocument{Hash: hash, Content: content, At: stored(at)})
	return err
}

// MailVersion returns a version of a template as it was kept, and whether it was.
func (s *Store) MailVersion(ctx context.Context, hash string) (content []byte, found bool, err error) {
	var doc mailVersionDocument
	err = s.mailVersions.FindOne(ctx, byID(hash)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, failed("reading a version of an e-mail's template", err)
	}
	return doc.Content, true, nil
}

// forgetBeside removes what is kept of a vendor beside its document: the texts of its answers, and what its e-mails said of it.
// Answers and sends stay.
func (s *Store) forgetBeside(ctx context.Context, vendorID string) error {
	if err := s.forgetFeedback(ctx, vendorID); err != nil {
		return err
	}
	return s.forgetMailFields(ctx, vendorID)
}

// forgetMailFields removes what the e-mails to a vendor said of it.
func (s *Store) forgetMailFields(ctx context.Context, vendorID string) error {
	if _, err := s.sends.UpdateMany(ctx, ofVendor(vendorID), bson.D{{Key: "$unset", Value: bson.D{{Key: "fields", Value: ""}}}}); err != nil {
		return failed("removing what e-mails said of vendor "+vendorID, err)
	}
	return nil
}

package mongodb

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

func TestAVersionOfATemplateIsKeptOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, found, err := s.MailVersion(t.Context(), "0123456789abcdef")
	require.NoError(t, err)
	require.False(t, found)
	together(4, func(int) {
		require.NoError(t, s.KeepMailVersion(t.Context(), "0123456789abcdef", []byte(`{"a":1}`), at))
	})
	content, found, err := s.MailVersion(t.Context(), "0123456789abcdef")
	require.NoError(t, err)
	require.True(t, found)
	require.JSONEq(t, `{"a":1}`, string(content))
	requireCode(t, trial.CodeInvalid, s.KeepMailVersion(t.Context(), "long", []byte(strings.Repeat("x", maxMailVersion+1)), at))
}

// said are the fields of an e-mail to a vendor.
func said(name string) *trial.MailFields {
	return &trial.MailFields{
		Kind: "reminder", Name: name, Locale: "pt-BR", Zone: "America/Sao_Paulo", DaysLeft: 3, GraceDays: 3, LengthDays: 3, EndsAt: at.AddDate(0, 0, 3),
		GraceEndsAt: new(at.AddDate(0, 0, 6)), Day: trial.RealDay,
	}
}

// sendTo sends a vendor an e-mail that says something of it.
func sendTo(t *testing.T, s *Store, vendorID string) string {
	t.Helper()
	key := vendorID + "/reminder-3d/0"
	_, _, err := s.ClaimSend(t.Context(), trial.Send{Key: key, VendorID: vendorID, Kind: "reminder-3d", ClaimedAt: at})
	require.NoError(t, err)
	settleSaid(t, s, key, vendorID)
	return key
}

func settleSaid(t *testing.T, s *Store, key, vendorID string) {
	t.Helper()
	_, err := s.SettleSend(t.Context(), key, 1, trial.SendResult{Status: trial.SendSent, MessageID: "m", Template: "v-1", Fields: said("Shop " + vendorID)}, at)
	require.NoError(t, err)
}

func fieldsOfSend(t *testing.T, s *Store, key string) *trial.MailFields {
	t.Helper()
	send, err := s.Send(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "v-1", send.Template)
	return send.Fields
}

// What an e-mail said of a vendor goes with the vendor, whatever comes when, and comes back with no backup.
func TestAnErasureRemovesWhatEMailsSaid(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"v1", "v10"} {
		register(t, s, id, trial.Automated)
	}
	key, other := sendTo(t, s, "v1"), sendTo(t, s, "v10")
	require.Equal(t, said("Shop v1"), fieldsOfSend(t, s, key))

	_, err := s.EraseVendor(t.Context(), "v1", erasure(time.Hour))
	require.NoError(t, err)
	require.Nil(t, fieldsOfSend(t, s, key))
	require.NotContains(t, document(t, s.sends, key), "fields")
	require.Equal(t, said("Shop v10"), fieldsOfSend(t, s, other), "another vendor's stay")

	settleSaid(t, s, key, "v1")
	require.Nil(t, fieldsOfSend(t, s, key), "an e-mail was on its way")

	// A backup brings them back, from before an erasure that is on record.
	stored := newSendFields(1, *said("Shop v1"))
	_, _, err = s.changeSend(t.Context(), key, sendChange{fields: stored})
	require.NoError(t, err)
	require.NotNil(t, fieldsOfSend(t, s, key))
	_, err = s.EraseOnRecord(t.Context(), "v1")
	require.NoError(t, err)
	require.Nil(t, fieldsOfSend(t, s, key))
}

// What an e-mail said is not even written where its vendor is erased, or where that cannot be known: a worker that ends right after
// would leave it there. That the e-mail was sent is noted all the same.
func TestWhatAnEMailSaidOfAnErasedVendorIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, erase := range map[string]func(*Store) error{
		"erased": func(s *Store) error { _, err := s.RecordErasure(t.Context(), "v1", erasure(time.Hour)); return err },
		"not known": func(s *Store) error {
			_, err := s.idempotencyKeys.InsertOne(t.Context(), bson.D{{Key: "_id", Value: erasureKey("v1")}, {Key: "value", Value: "no erasure"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			require.NoError(t, erase(s))
			// Writing the name fails: another send has it.
			_, err := s.sends.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "other"}, {Key: "fields", Value: bson.D{{Key: "name", Value: "Shop v1"}}}})
			require.NoError(t, err)
			_, err = s.sends.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "fields.name", Value: 1}}, Options: options.Index().SetUnique(true)})
			require.NoError(t, err)
			require.Nil(t, fieldsOfSend(t, s, sendTo(t, s, "v1")))
		})
	}
}

// Of two attempts that were both accepted the later one counts, whichever worker tells first.
func TestFieldsAreOfTheLastAttempt(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]int{"in order": {1, 2}, "the other way round": {2, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			claim(t, s)
			_, _, err := s.ReclaimSend(t.Context(), key, 1, true, at, "")
			require.NoError(t, err)
			for _, attempt := range order {
				fields := said([]string{"", "Zoë", "Ada"}[attempt])
				after, err := s.SettleSend(t.Context(), key, attempt, trial.SendResult{Status: trial.SendSent, MessageID: "m", Template: "v-1", Fields: fields}, at)
				require.NoError(t, err)
				require.Equal(t, order[0] == 2 || attempt == 2, after.Fields.Name == "Ada")
			}
			require.Equal(t, "Ada", fieldsOfSend(t, s, key).Name)
		})
	}
}

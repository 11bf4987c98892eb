package memory

import (
	"context"
	"maps"
	"slices"

	"marketplace.example/trials/internal/domain/feedback"
)

func (s *Store) PutFeedback(ctx context.Context, vendorID string, a feedback.Answer) error {
	return s.Do(ctx, func() error {
		if s.VendorsByID[vendorID].ErasedAt != nil {
			a.Text = ""
		}
		if s.Answers[vendorID] == nil {
			s.Answers[vendorID] = map[string]feedback.Answer{}
		}
		s.Answers[vendorID][a.Kind] = a
		s.Writes++
		return nil
	})
}

func (s *Store) Feedback(ctx context.Context, vendorID string) (answers []feedback.Answer, err error) {
	answers = []feedback.Answer{}
	err = s.run(ctx, func() {
		for _, kind := range slices.Sorted(maps.Keys(s.Answers[vendorID])) {
			answers = append(answers, s.Answers[vendorID][kind])
		}
	})
	return answers, err
}

func (s *Store) CountFeedback(ctx context.Context, f feedback.Filter) (counts []feedback.Count, err error) {
	found := map[feedback.Group]feedback.Tally{}
	err = s.run(ctx, func() {
		for _, answers := range s.Answers {
			for _, a := range answers {
				if f.Takes(a) {
					g := feedback.Group{Phase: a.Phase, Cohort: a.Cohort}
					found[g] = found[g].Plus(feedback.TallyOf(a))
				}
			}
		}
	})
	return feedback.Sorted(found), err
}

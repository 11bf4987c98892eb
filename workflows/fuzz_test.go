package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"

	"marketplace.example/trials/internal/domain/trial"
)

// Whatever somebody signals to a trial, as tctl lets everybody, it is a request
// that is checked, or dropped; a conversion always counts.
func FuzzSignal(f *testing.F) {
	for _, data := range []string{`{"id":"k-1","days":7,"reason":"r","by":"admin"}`, `{"at":"2026-03-10T12:00:00Z"}`, `{}`, `null`, `[]`, `"x"`, `{"days":1e400}`, `{"at":"soon"}`, ``} {
		f.Add("json/plain", []byte(data))
		f.Add("binary/null", []byte(data))
	}
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	state := trial.NewState(trial.Registration{VendorID: "v-1", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: now})
	f.Fuzz(func(t *testing.T, encoding string, data []byte) {
		payload := &common.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: data}
		r, err := readConversion(message{payload: &common.Payloads{Payloads: []*common.Payload{payload}}})
		for _, message := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive} {
			event, refused := state.Request(message, r, now)
			if refused != nil || event == nil {
				continue
			}
			require.NoError(t, r.Validate(message))
			after := state.Apply(*event)
			require.Equal(t, state.Seq+1, after.Seq)
		}
		event, refused := state.Request(trial.MessageConvert, r, now)
		require.NoError(t, refused, "%v", err)
		require.Equal(t, trial.Converted, state.Apply(*event).Status)
		require.False(t, event.Request.At.After(now))
	})
}

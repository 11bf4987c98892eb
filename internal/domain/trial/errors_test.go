package trial_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestAnErrorsFieldIsNamedWhereItLies(t *testing.T) {
	t.Parallel()
	wrong := fmt.Errorf("checking: %w", trial.Invalid("soakDays", "must be more than 0, is 0 %%"))
	require.EqualError(t, trial.Within("plan.", wrong), "plan.soakDays: must be more than 0, is 0 %")
	for _, other := range []error{nil, errors.New("broken"), trial.NotFound("v-1")} {
		require.Equal(t, other, trial.Within("plan.", other), "it is about no field of the plan")
	}
}

func TestAnErrorHasItsCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, trial.CodeConflict, trial.CodeOf(fmt.Errorf("asking: %w", trial.Conflict("it is over"))))
	require.Empty(t, trial.CodeOf(errors.New("broken")))
	require.Empty(t, trial.CodeOf(nil))
}

func TestAnErrorSaysItsDetailIfItHasOne(t *testing.T) {
	t.Parallel()
	e := trial.Error{Code: trial.CodeConflict, Field: "id", Message: "is registered with other data"}
	require.Equal(t, "id: is registered with other data", e.Error())
	e.Detail = "vendor v-1 is registered with other data"
	require.Equal(t, e.Detail, e.Error())
}

package notice_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

func TestAPreviewGoesToStakeholdersAlone(t *testing.T) {
	t.Parallel()
	list := []notice.Stakeholder{
		{Role: notice.ProductOwner, Email: "Po@shop.example", Webhook: "https://chat.example/po@shop.example"},
		{Role: notice.DevOps, Email: "ops@shop.example"},
	}
	found, err := notice.RecipientOf(list, " po@SHOP.example ")
	require.NoError(t, err)
	require.Equal(t, "Po@shop.example", found.Address, "as it is configured")
	again, ok := notice.RecipientWith(list, found.ID)
	require.True(t, ok)
	require.Equal(t, found, again)
	_, ok = notice.RecipientWith(list[1:], found.ID)
	require.False(t, ok, "it was taken off the list meanwhile")
	for _, address := range []string{"", "vendor@shop.example", "https://chat.example/po@shop.example", "po@shop.example,x@y.example"} {
		_, err := notice.RecipientOf(list, address)
		var refused *trial.Error
		require.ErrorAs(t, err, &refused, address)
		require.Equal(t, "to", refused.Field)
		require.Equal(t, trial.CodeInvalid, refused.Code)
	}
}

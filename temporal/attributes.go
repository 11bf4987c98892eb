package temporal

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"

	"marketplace.example/trials/internal/domain/trial"
)

// SetupAttributes registers the search attributes that are missing.
func (c *Client) SetupAttributes(ctx context.Context) error {
	for name, kind := range map[string]enums.IndexedValueType{
		trial.AttributeStatus: enums.INDEXED_VALUE_TYPE_KEYWORD,
		trial.AttributeCohort: enums.INDEXED_VALUE_TYPE_KEYWORD,
		trial.AttributePolicy: enums.INDEXED_VALUE_TYPE_KEYWORD,
		trial.AttributeEndsAt: enums.INDEXED_VALUE_TYPE_DATETIME,
	} {
		_, err := c.SDK.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: c.Namespace, SearchAttributes: map[string]enums.IndexedValueType{name: kind},
		})
		var exists *serviceerror.AlreadyExists
		if err != nil && !errors.As(err, &exists) {
			return unavailable(fmt.Sprintf("registering search attribute %s", name), err)
		}
	}
	return nil
}

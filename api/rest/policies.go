package rest

import "context"

// ListPolicies answers with the policies that new vendors get, and the rules that choose among them.
func (s *server) ListPolicies(context.Context, ListPoliciesRequestObject) (ListPoliciesResponseObject, error) {
	return ListPolicies200JSONResponse(s.App.Policies), nil
}

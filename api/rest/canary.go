package rest

import "context"

// GetCanary answers with what canaries have shown.
func (s *server) GetCanary(ctx context.Context, _ GetCanaryRequestObject) (GetCanaryResponseObject, error) {
	view, err := s.App.CanaryView(ctx)
	return GetCanary200JSONResponse(view), err
}

// StartCanary starts one.
func (s *server) StartCanary(ctx context.Context, _ StartCanaryRequestObject) (StartCanaryResponseObject, error) {
	if err := s.App.StartCanary(ctx); err != nil {
		return nil, err
	}
	view, err := s.App.CanaryView(ctx)
	return StartCanary202JSONResponse(view), err
}

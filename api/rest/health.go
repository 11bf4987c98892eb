package rest

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
)

// probeTimeout bounds how long readiness waits for each part.
const probeTimeout = 2 * time.Second

// GetHealth says that the process lives.
func (s *server) GetHealth(context.Context, GetHealthRequestObject) (GetHealthResponseObject, error) {
	return GetHealth200JSONResponse{Status: HealthStatusOk}, nil
}

// GetReadiness says which parts can be reached.
func (s *server) GetReadiness(ctx context.Context, _ GetReadinessRequestObject) (GetReadinessResponseObject, error) {
	var answer Readiness
	var probes sync.WaitGroup
	probes.Go(func() { answer.Mongodb = s.probe(ctx, "mongodb", s.App.Store.Ping) })
	probes.Go(func() { answer.Temporal = s.probe(ctx, "temporal", s.App.Trials.Check) })
	probes.Wait()
	answer.Ready = answer.Mongodb == ReachabilityOk
	if !answer.Ready {
		return GetReadiness503JSONResponse(answer), nil
	}
	return GetReadiness200JSONResponse(answer), nil
}

func (s *server) probe(ctx context.Context, part string, check func(context.Context) error) Reachability {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := check(ctx); err != nil {
		s.log.Warn("not reachable", zap.String("part", part), zap.Error(err))
		return ReachabilityUnavailable
	}
	return ReachabilityOk
}

// GetTrialsHealth says how each part of the trial system is.
func (s *server) GetTrialsHealth(ctx context.Context, _ GetTrialsHealthRequestObject) (GetTrialsHealthResponseObject, error) {
	health, err := s.Health.Health(ctx)
	if err != nil {
		return nil, err
	}
	answer := trialsHealth(health)
	if health.State == monitoring.Unhealthy {
		return GetTrialsHealth503JSONResponse(answer), nil
	}
	return GetTrialsHealth200JSONResponse(answer), nil
}

func trialsHealth(h monitoring.Health) TrialsHealth {
	answer := TrialsHealth{State: HealthState(h.State), At: app.Millisecond(h.At), Parts: []HealthPart{}, Advice: []ScalingAdvice{}}
	for _, p := range h.Parts {
		answer.Parts = append(answer.Parts, HealthPart{
			Name: HealthPartName(p.Name), State: HealthState(p.State), Since: app.Millisecond(p.Since), LatencyMs: p.Took.Milliseconds(),
			Message: p.Message, Action: p.Action,
		})
	}
	for _, a := range h.Advice {
		answer.Advice = append(answer.Advice, ScalingAdvice{
			Role: ScalingAdviceRole(a.Role), Instance: a.Instance, Resource: ScalingAdviceResource(a.Resource),
			Value: a.Value, Threshold: a.Threshold, Message: a.Message, Action: a.Action,
		})
	}
	return answer
}

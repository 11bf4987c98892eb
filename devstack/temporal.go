package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/temporalio/cli/temporalcli/devserver"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/common/dynamicconfig"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	temporalNamespace = "default"

	// temporalRetention is how long a closed workflow is kept.
	temporalRetention = 7 * 24 * time.Hour

	// temporalReady is how long Temporal may take to answer.
	temporalReady = 60 * time.Second
)

// searchAttributes are the trials' own; they are registered with the namespace.
var searchAttributes = map[string]enums.IndexedValueType{
	"TrialStatus": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TrialCohort": enums.INDEXED_VALUE_TYPE_KEYWORD,
	"TrialEndsAt": enums.INDEXED_VALUE_TYPE_DATETIME,
	"TrialPolicy": enums.INDEXED_VALUE_TYPE_KEYWORD,
}

// dynamicConfig fits the server to one small machine under test load. Updates
// and update-with-start need no setting: this version enables them.
var dynamicConfig = map[dynamicconfig.Key]any{
	// A new registration is usable at once.
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	dynamicconfig.NamespaceCacheRefreshInterval.Key():           time.Second,

	// There is one client here: limits that share a cluster among many
	// would only throttle it.
	dynamicconfig.FrontendRPS.Key():                                         50_000,
	dynamicconfig.FrontendMaxNamespaceRPSPerInstance.Key():                  50_000,
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key():        5_000,
	dynamicconfig.FrontendMaxConcurrentLongRunningRequestsPerInstance.Key(): 50_000,
	dynamicconfig.FrontendPersistenceMaxQPS.Key():                           100_000,
	dynamicconfig.HistoryRPS.Key():                                          50_000,
	dynamicconfig.HistoryPersistenceMaxQPS.Key():                            100_000,
	dynamicconfig.MatchingRPS.Key():                                         50_000,
	dynamicconfig.MatchingPersistenceMaxQPS.Key():                           100_000,

	// One partition a task queue, so that a task never waits for a poller of
	// another partition.
	dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,

	// Housekeeping is for clusters that live for months.
	dynamicconfig.HistoryScannerEnabled.Key():   false,
	dynamicconfig.TaskQueueScannerEnabled.Key(): false,
}

// temporalOptions configure where Temporal listens and keeps its data.
type temporalOptions struct {
	port     int    // 0: a free one
	uiPort   int    // 0: a free one
	dir      string // empty: in memory
	logLevel slog.Level
}

// startTemporal serves Temporal and its Web UI, and returns host:port of both.
func startTemporal(ctx context.Context, p *parts, o temporalOptions, logger *slog.Logger) (address, ui string, err error) {
	port, err := freePort(o.port)
	if err != nil {
		return "", "", fmt.Errorf("take a port for Temporal: %w", err)
	}
	uiPort, err := freePort(o.uiPort)
	if err != nil {
		return "", "", fmt.Errorf("take a port for Temporal's Web UI: %w", err)
	}
	options := devserver.StartOptions{
		FrontendIP:             loopback,
		FrontendPort:           port,
		UIIP:                   loopback,
		UIPort:                 uiPort,
		Namespaces:             []string{temporalNamespace},
		ClusterID:              uuid.NewString(),
		MasterClusterName:      "active",
		CurrentClusterName:     "active",
		InitialFailoverVersion: 1,
		Logger:                 logger,
		LogLevel:               o.logLevel,
		DynamicConfigValues:    make(map[string]any),
		SearchAttributes:       searchAttributes,
	}
	for key, value := range dynamicConfig {
		options.DynamicConfigValues[key.String()] = value
	}
	if o.dir != "" {
		options.DatabaseFile = filepath.Join(o.dir, "temporal.db")
		options.SqlitePragmas = map[string]string{"journal_mode": "wal", "synchronous": "normal"}
	}
	server, err := devserver.Start(options)
	if err != nil {
		return "", "", fmt.Errorf("start Temporal: %w", err)
	}
	p.onStop(func() error {
		server.Stop()
		return nil
	})

	address, ui = at(port), at(uiPort)
	if err := keepClosedWorkflows(ctx, address); err != nil {
		return "", "", err
	}
	return address, ui, nil
}

// freePort returns port if it can be listened on, or a free one for port 0.
func freePort(port int) (int, error) {
	if port == 0 {
		return devserver.GetFreePort(loopback)
	}
	return port, devserver.CheckPortFree(loopback, port)
}

// keepClosedWorkflows waits until the server answers, and sets its retention,
// which the dev server fixes to a day.
func keepClosedWorkflows(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, temporalReady)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer func() { _ = conn.Close() }()
	request := &workflowservice.UpdateNamespaceRequest{
		Namespace: temporalNamespace,
		Config:    &namespace.NamespaceConfig{WorkflowExecutionRetentionTtl: durationpb.New(temporalRetention)},
	}
	for {
		_, err := workflowservice.NewWorkflowServiceClient(conn).UpdateNamespace(ctx, request, grpc.WaitForReady(true))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("set Temporal's retention: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

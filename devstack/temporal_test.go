package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const taskQueue = "devstack-test"

var (
	trialStatus = sdktemporal.NewSearchAttributeKeyKeyword("TrialStatus")
	trialCohort = sdktemporal.NewSearchAttributeKeyKeyword("TrialCohort")
	trialEndsAt = sdktemporal.NewSearchAttributeKeyTime("TrialEndsAt")
	trialPolicy = sdktemporal.NewSearchAttributeKeyKeyword("TrialPolicy")
)

// greet is a workflow that waits for an update with a name.
func greet(ctx workflow.Context, greeting string) (string, error) {
	name := ""
	err := workflow.SetUpdateHandler(ctx, "name", func(_ workflow.Context, n string) (string, error) {
		name = n
		return "noted " + n, nil
	})
	if err != nil {
		return "", err
	}
	err = workflow.UpsertTypedSearchAttributes(ctx, trialStatus.ValueSet("active"), trialCohort.ValueSet("automated"),
		trialEndsAt.ValueSet(workflow.Now(ctx)), trialPolicy.ValueSet("policy-1"))
	if err != nil {
		return "", err
	}
	if err := workflow.Await(ctx, func() bool { return name != "" }); err != nil {
		return "", err
	}
	if err := workflow.Sleep(ctx, 10*time.Millisecond); err != nil {
		return "", err
	}
	return greeting + ", " + name, nil
}

// temporalClient connects to p, with a worker for greet.
func temporalClient(t *testing.T, p *process) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: p.Temporal, Logger: log.NewStructuredLogger(discard)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflow(greet)
	require.NoError(t, w.Start())
	t.Cleanup(w.Stop)
	return c
}

func TestAWorkflowLivesThroughUpdateWithStart(t *testing.T) {
	t.Parallel()
	p := launch(t)
	c := temporalClient(t, p)
	start := c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: "greeting", TaskQueue: taskQueue, WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
	}, greet, "hello")
	update, err := c.UpdateWithStartWorkflow(t.Context(), client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: "name", Args: []any{"vendor"}, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	require.NoError(t, err)
	var noted string
	require.NoError(t, update.Get(t.Context(), &noted))
	require.Equal(t, "noted vendor", noted)

	run, err := start.Get(t.Context())
	require.NoError(t, err)
	var greeting string
	require.NoError(t, run.Get(t.Context(), &greeting))
	require.Equal(t, "hello, vendor", greeting)

	require.Eventually(t, func() bool {
		count, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: fmt.Sprintf("TrialStatus = 'active' AND TrialCohort = 'automated' AND TrialPolicy = 'policy-1' AND TrialEndsAt < '%s'",
				time.Now().Add(time.Hour).Format(time.RFC3339)),
		})
		require.NoError(t, err)
		return count.Count == 1
	}, deadline, 20*time.Millisecond)
}

func TestClosedWorkflowsAreKeptForAWeek(t *testing.T) {
	t.Parallel()
	p := launch(t)
	c, err := client.NewNamespaceClient(client.Options{HostPort: p.Temporal, Logger: log.NewStructuredLogger(discard)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	namespace, err := c.Describe(t.Context(), "default")
	require.NoError(t, err)
	require.Equal(t, 7*24*time.Hour, namespace.Config.WorkflowExecutionRetentionTtl.AsDuration())
}

func TestDataOnDiskOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "--dir", dir)
	c := temporalClient(t, p)
	_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "greeting", TaskQueue: taskQueue}, greet, "hello")
	require.NoError(t, err)
	_, err = connect(t, p.MongoDB, "vendors").InsertOne(t.Context(), bson.M{"_id": "v-1"})
	require.NoError(t, err)
	sent := sendMail(t, p.Mailbox)
	p.signal(os.Interrupt)

	p = launch(t, "--dir", dir)
	c = temporalClient(t, p)
	update, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: "greeting", UpdateName: "name", Args: []any{"vendor"}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, update.Get(t.Context(), nil))
	var greeting string
	require.NoError(t, c.GetWorkflow(t.Context(), "greeting", "").Get(t.Context(), &greeting))
	require.Equal(t, "hello, vendor", greeting)
	n, err := connect(t, p.MongoDB, "vendors").CountDocuments(t.Context(), bson.M{"_id": "v-1"})
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.Contains(t, get(t, p.Mailbox+"/messages"), sent)
	p.signal(os.Interrupt)
}

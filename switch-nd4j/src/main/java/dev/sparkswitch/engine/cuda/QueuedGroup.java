package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.Tensor;
import java.util.Optional;

/**
 * The group of a {@link QueuedDevice}: what waits there is started before an exchange, and before the end of one is waited for.
 *
 * @param start starts what waits
 */
record QueuedGroup(CardGroup group, Runnable start) implements CardGroup {
    private Started started(Started operation) {
        return () -> {
            start.run();
            operation.await();
        };
    }

    @Override
    public Started allReduceSum(Tensor data) {
        start.run();
        return started(group.allReduceSum(data));
    }

    @Override
    public boolean writesAcross() {
        return group.writesAcross();
    }

    @Override
    public void expect(Tensor receive) {
        start.run();
        group.expect(receive);
    }

    @Override
    public Started allToAll(Tensor send, Tensor receive) {
        start.run();
        return started(group.allToAll(send, receive));
    }

    @Override
    public Started broadcast(Tensor data, int root) {
        start.run();
        return started(group.broadcast(data, root));
    }

    @Override
    public Optional<String> fault() {
        return group.fault();
    }

    @Override
    public boolean pending() {
        return group.pending();
    }

    @Override
    public void abort() {
        group.abort();
    }

    @Override
    public void close() {
        group.close();
    }
}

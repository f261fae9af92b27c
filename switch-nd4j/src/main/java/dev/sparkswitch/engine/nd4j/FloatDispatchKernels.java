package dev.sparkswitch.engine.nd4j;

import dev.sparkswitch.engine.Dropout;
import dev.sparkswitch.engine.Routing;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/** {@link DispatchKernels} in float32. */
final class FloatDispatchKernels implements DispatchKernels {
    private final HostThreads threads;

    FloatDispatchKernels(HostThreads threads) {
        this.threads = threads;
    }

    @Override
    public void routerInput(HostTensor x, Dropout noise, HostTensor y) {
        int width = x.extent(-1);
        FloatBuffer in = x.floats();
        FloatBuffer out = y.floats();
        threads.range(x.rows(), x.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.jitter(row, noise, noise.element(0, r, width), width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void routerInputBackward(HostTensor dy, Dropout noise, HostTensor dx) {
        int width = dx.extent(-1);
        FloatBuffer in = dy.floats();
        FloatBuffer out = dx.floats();
        threads.range(dx.rows(), dx.size(), (from, to) -> {
            float[] row = new float[width];
            float[] sum = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.jitter(row, noise, noise.element(0, r, width), width);
                out.get(r * width, sum);
                FloatRows.addScaled(sum, 1, row, width);
                out.put(r * width, sum);
            }
        });
    }

    @Override
    public void roundedToBf16(HostTensor x, HostTensor y) {
        int width = x.extent(-1);
        FloatBuffer in = x.floats();
        FloatBuffer out = y.floats();
        threads.range(x.rows(), x.size(), (from, to) -> {
            float[] row = new float[width];
            for (int r = from; r < to; r++) {
                in.get(r * width, row);
                FloatRows.roundToBf16(row, width);
                out.put(r * width, row);
            }
        });
    }

    @Override
    public void dispatch(HostTensor x, Routing routing, HostTensor slots) {
        int width = x.extent(-1);
        IntBuffer tokenOfSlot = ((HostTensor) routing.tokenOfSlot()).ints();
        FloatBuffer in = x.floats();
        FloatBuffer out = slots.floats();
        threads.range(slots.rows(), slots.size(), (from, to) -> {
            float[] row = new float[width];
            float[] zeros = new float[width];
            for (int slot = from; slot < to; slot++) {
                int token = tokenOfSlot.get(slot);
                if (token < 0) {
                    out.put(slot * width, zeros);
                } else {
                    in.get(token * width, row);
                    out.put(slot * width, row);
                }
            }
        });
    }

    @Override
    public void gather(HostTensor slots, Routing routing, HostTensor gates, HostTensor y) {
        int width = y.extent(-1);
        int choices = routing.plan().choices();
        IntBuffer slotsOfToken = ((HostTensor) routing.slotsOfToken()).ints();
        FloatBuffer in = slots.floats();
        FloatBuffer factors = gates == null ? null : gates.floats();
        FloatBuffer out = y.floats();
        threads.range(y.rows(), y.size(), (from, to) -> {
            float[] row = new float[width];
            float[] sum = new float[width];
            for (int t = from; t < to; t++) {
                Arrays.fill(sum, 0);
                for (int c = 0; c < choices; c++) {
                    int slot = slotsOfToken.get(t * choices + c);
                    if (slot >= 0) {
                        in.get(slot * width, row);
                        FloatRows.addScaled(sum, factors == null ? 1 : factors.get(slot), row, width);
                    }
                }
                out.put(t * width, sum);
            }
        });
    }

    @Override
    public void combineBackward(HostTensor dy, HostTensor slots, Routing routing, HostTensor dSlots, HostTensor dGate) {
        int width = dy.extent(-1);
        IntBuffer tokenOfSlot = ((HostTensor) routing.tokenOfSlot()).ints();
        FloatBuffer gates = ((HostTensor) routing.gateOfSlot()).floats();
        FloatBuffer gradients = dy.floats();
        FloatBuffer in = slots.floats();
        FloatBuffer out = dSlots.floats();
        FloatBuffer outGates = dGate.floats();
        threads.range(slots.rows(), slots.size() * 2, (from, to) -> {
            float[] row = new float[width];
            float[] result = new float[width];
            float[] zeros = new float[width];
            for (int slot = from; slot < to; slot++) {
                int token = tokenOfSlot.get(slot);
                if (token < 0) {
                    out.put(slot * width, zeros);
                    outGates.put(slot, 0);
                } else {
                    gradients.get(token * width, row);
                    in.get(slot * width, result);
                    outGates.put(slot, FloatRows.dot(row, result, width));
                    FloatRows.scale(row, gates.get(slot), width);
                    out.put(slot * width, row);
                }
            }
        });
    }
}

package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.RelativePositions;
import dev.sparkswitch.engine.RelativePositions.Direction;
import dev.sparkswitch.engine.Tensor;
import dev.sparkswitch.engine.Write;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/** Position biases by distance, from the table of buckets and back. */
final class CudaRelativeBias {
    private static final int THREADS = 128;

    /** What a pair's bucket depends on, beside its distance. */
    private record Scheme(int buckets, int maxDistance, Direction direction) {}

    /** The buckets of the distances {@code -reach} to {@code reach}. */
    private record Buckets(int reach, CudaTensor numbers) {}

    private final CudaContext context;
    private final Kernels kernels;
    private final Map<Scheme, Buckets> known = new HashMap<>();

    CudaRelativeBias(CudaContext context) {
        this.context = context;
        this.kernels = context.kernels("attention-bias");
    }

    Tensor relativeBias(Tensor table, RelativePositions positions) {
        CudaTensor weights = context.parameter("relativeBias", table);
        int heads = weights.extent(1);
        CudaTensor bias = context.master(heads, positions.distances());
        int blocks = (positions.distances() + THREADS - 1) / THREADS;
        kernels.launch(
                "relative_bias",
                new Launch(blocks, heads, 1, THREADS, 0),
                weights,
                weights.low(),
                buckets(positions),
                bias,
                heads,
                positions.distances());
        return bias;
    }

    void relativeBiasGradient(Tensor dBias, RelativePositions positions, Tensor dTable, Write write) {
        int heads = dTable.extent(1);
        CudaContext.require(
                dBias.size() == (long) heads * positions.distances(), "relativeBiasGradient", dBias, dTable);
        kernels.launch(
                "relative_bias_gradient",
                new Launch(dTable.extent(0), heads, 1, Launch.WARP, 0),
                CudaContext.cuda(dBias),
                buckets(positions),
                CudaContext.cuda(dTable),
                heads,
                positions.distances(),
                write == Write.ADD ? 1 : 0);
    }

    /**
     * The address of the bucket of column 0, those of the other columns behind it. They depend on distances alone, so they
     * are brought to the card once and not with every batch, which would have to wait for all work before it.
     */
    private long buckets(RelativePositions positions) {
        int first = -(positions.queryStart() + positions.queryLength() - 1);
        int last = first + positions.distances() - 1;
        int reach = Math.max(Math.abs(first), Math.abs(last));
        Scheme scheme = new Scheme(positions.buckets(), positions.maxDistance(), positions.direction());
        Buckets buckets = known.get(scheme);
        if (buckets == null || buckets.reach() < reach) {
            if (buckets != null) {
                buckets.numbers().close();
            }
            buckets = upload(scheme, Math.max(reach, 2 * (buckets == null ? 0 : buckets.reach())));
            known.put(scheme, buckets);
        }
        return buckets.numbers().address() + (long) (buckets.reach() + first) * DType.INT32.bytes();
    }

    private Buckets upload(Scheme scheme, int reach) {
        RelativePositions all = new RelativePositions(
                0, reach + 1, reach + 1, scheme.buckets(), scheme.maxDistance(), scheme.direction());
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(all.distances() * DType.INT32.bytes()).order(ByteOrder.nativeOrder());
        for (int column = 0; column < all.distances(); column++) {
            bytes.putInt(all.bucket(column));
        }
        CudaTensor numbers = context.allocate(DType.INT32, all.distances());
        context.device().upload(numbers.address(), bytes.flip());
        return new Buckets(reach, numbers);
    }
}

package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Matrix products by cuBLASLt. It counts columns first, so that it is asked for the transpose, c^T = b^T a^T, whose operands
 * lie in memory as it expects. The algorithm for a shape is chosen once: of small products the one that the library names,
 * of larger ones the quickest of several that it names, which is kept for later runs. So equal shapes give equal bits.
 * float32 is true float32, without TF32.
 */
final class CublasLt implements AutoCloseable {
    /** What NVIDIA recommends for Hopper. */
    static final long WORKSPACE_BYTES = 32L << 20;

    private static final int LARGEST_ALIGNMENT = 256;
    /** Operations from which on a product is worth timing; below, and so in generation, launching takes most. */
    private static final double LEAST_TIMED = 1e9;

    private static final int MOST_CANDIDATES = 8;
    private static final int ROUNDS = 5;
    private static final int PRODUCTS_A_ROUND = 2;

    private final CUstream_st stream;
    private final long workspace;
    private final Optional<KeptAlgorithms> kept;
    private final cublasLtContext handle = new cublasLtContext();
    private final Map<Shape, Plan> plans = new HashMap<>();
    private final FloatPointer alpha = new FloatPointer(1);
    private final FloatPointer beta = new FloatPointer(1);
    private final Address a = new Address();
    private final Address b = new Address();
    private final Address c = new Address();
    private final Address scratch = new Address();

    /**
     * The library on a stream.
     *
     * @param workspace the address of {@link #WORKSPACE_BYTES} that it may use
     * @param kept the choices that timing has made; empty where nothing is to be timed
     */
    CublasLt(CUstream_st stream, long workspace, Optional<KeptAlgorithms> kept) {
        this.stream = stream;
        this.workspace = workspace;
        this.kept = kept;
        Cuda.checkProduct(cublas.cublasLtCreate(handle), "cublasLtCreate", "any shape");
    }

    /** The library's version as it numbers itself. */
    static long version() {
        return cublas.cublasLtGetVersion();
    }

    /** What an algorithm depends on. */
    private record Shape(int m, int n, int k, int count, boolean adds, Side a, Side b, Side c) {
        static Shape of(Product product) {
            return new Shape(
                    product.m(),
                    product.n(),
                    product.k(),
                    product.count(),
                    product.beta() != 0,
                    Side.of(product.a()),
                    Side.of(product.b()),
                    Side.of(product.c()));
        }
    }

    /** An operand without its address, whose alignment counts alone. */
    private record Side(DType type, int rowStride, long batchStride, Product.Turn turn, int alignment) {
        static Side of(Product.Operand operand) {
            long alignment = Long.lowestOneBit(operand.address() | LARGEST_ALIGNMENT);
            return new Side(
                    operand.type(), operand.rowStride(), operand.batchStride(), operand.turn(), (int) alignment);
        }
    }

    /** cuBLASLt's own description of a shape. Its "A" is our b, its "B" our a. */
    private static final class Plan {
        private final cublasLtMatmulDescOpaque_t operation;
        private final cublasLtMatrixLayoutOpaque_t a;
        private final cublasLtMatrixLayoutOpaque_t b;
        private final cublasLtMatrixLayoutOpaque_t c;
        /** Own the algorithms' memory. */
        private final cublasLtMatmulHeuristicResult_t named;

        private final cublasLtMatmulAlgo_t restored = new cublasLtMatmulAlgo_t();
        private final int candidates;
        private cublasLtMatmulAlgo_t algorithm;

        Plan(cublasLtContext handle, Shape shape, Product product, int most) {
            this.operation = operation(shape, product);
            this.a = layout(shape.a(), shape.m(), shape.k(), shape.count(), product);
            this.b = layout(shape.b(), shape.k(), shape.n(), shape.count(), product);
            this.c = layout(shape.c(), shape.m(), shape.n(), shape.count(), product);
            this.named = new cublasLtMatmulHeuristicResult_t(most);
            this.candidates = ask(handle, shape, product, most);
            this.algorithm = candidate(0);
        }

        cublasLtMatmulAlgo_t candidate(int index) {
            return named.getPointer(index).algo();
        }

        /** Takes an algorithm that was kept; false where the library does not take it for this shape. */
        boolean take(cublasLtContext handle, long[] words) {
            for (int i = 0; i < words.length; i++) {
                restored.data(i, words[i]);
            }
            try (cublasLtMatmulHeuristicResult_t needs = new cublasLtMatmulHeuristicResult_t()) {
                int status = cublas.cublasLtMatmulAlgoCheck(handle, operation, b, a, c, c, restored, needs);
                boolean runs = status == cublas.CUBLAS_STATUS_SUCCESS && needs.workspaceSize() <= WORKSPACE_BYTES;
                algorithm = runs ? restored : algorithm;
                return runs;
            }
        }

        private static cublasLtMatmulDescOpaque_t operation(Shape shape, Product product) {
            try (PointerPointer<Pointer> made = new PointerPointer<>(1);
                    IntPointer turnA = new IntPointer(1).put(turn(shape.b()));
                    IntPointer turnB = new IntPointer(1).put(turn(shape.a()))) {
                Cuda.checkProduct(
                        cublas.cublasLtMatmulDescCreate(made, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
                        "cublasLtMatmulDescCreate",
                        product);
                cublasLtMatmulDescOpaque_t operation = new cublasLtMatmulDescOpaque_t(made.get(0));
                Cuda.checkProduct(
                        cublas.cublasLtMatmulDescSetAttribute(
                                operation, cublas.CUBLASLT_MATMUL_DESC_TRANSA, turnA, Integer.BYTES),
                        "cublasLtMatmulDescSetAttribute",
                        product);
                Cuda.checkProduct(
                        cublas.cublasLtMatmulDescSetAttribute(
                                operation, cublas.CUBLASLT_MATMUL_DESC_TRANSB, turnB, Integer.BYTES),
                        "cublasLtMatmulDescSetAttribute",
                        product);
                return operation;
            }
        }

        private static int turn(Side side) {
            return side.turn() == Product.Turn.NONE ? cublas.CUBLAS_OP_N : cublas.CUBLAS_OP_T;
        }

        /** An operand that is [rows, columns] once turned. Rows in memory are cuBLAS's columns. */
        private static cublasLtMatrixLayoutOpaque_t layout(
                Side side, int rows, int columns, int count, Product product) {
            boolean turned = side.turn() == Product.Turn.TRANSPOSED;
            int width = turned ? rows : columns;
            int height = turned ? columns : rows;
            try (PointerPointer<Pointer> made = new PointerPointer<>(1);
                    IntPointer matrices = new IntPointer(1).put(count);
                    LongPointer stride = new LongPointer(1).put(side.batchStride())) {
                Cuda.checkProduct(
                        cublas.cublasLtMatrixLayoutCreate(made, type(side), width, height, side.rowStride()),
                        "cublasLtMatrixLayoutCreate",
                        product);
                cublasLtMatrixLayoutOpaque_t layout = new cublasLtMatrixLayoutOpaque_t(made.get(0));
                if (count > 1) {
                    Cuda.checkProduct(
                            cublas.cublasLtMatrixLayoutSetAttribute(
                                    layout, cublas.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, matrices, Integer.BYTES),
                            "cublasLtMatrixLayoutSetAttribute",
                            product);
                    Cuda.checkProduct(
                            cublas.cublasLtMatrixLayoutSetAttribute(
                                    layout, cublas.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride, Long.BYTES),
                            "cublasLtMatrixLayoutSetAttribute",
                            product);
                }
                return layout;
            }
        }

        private static int type(Side side) {
            return side.type() == DType.BFLOAT16 ? cudart.CUDA_R_16BF : cudart.CUDA_R_32F;
        }

        private int ask(cublasLtContext handle, Shape shape, Product product, int most) {
            try (PointerPointer<Pointer> made = new PointerPointer<>(1)) {
                Cuda.checkProduct(
                        cublas.cublasLtMatmulPreferenceCreate(made), "cublasLtMatmulPreferenceCreate", product);
                cublasLtMatmulPreferenceOpaque_t wishes = new cublasLtMatmulPreferenceOpaque_t(made.get(0));
                try {
                    wish(wishes, product, WORKSPACE_BYTES);
                    wish(wishes, product, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, shape.b());
                    wish(wishes, product, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, shape.a());
                    wish(wishes, product, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, shape.c());
                    wish(wishes, product, cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, shape.c());
                    int[] found = new int[1];
                    Cuda.checkProduct(
                            cublas.cublasLtMatmulAlgoGetHeuristic(
                                    handle, operation, b, a, c, c, wishes, most, named, found),
                            "cublasLtMatmulAlgoGetHeuristic",
                            product);
                    if (found[0] == 0) {
                        throw new InternalException("cuBLASLt has no algorithm for the product " + product);
                    }
                    return found[0];
                } finally {
                    cublas.cublasLtMatmulPreferenceDestroy(wishes);
                }
            }
        }

        private static void wish(cublasLtMatmulPreferenceOpaque_t wishes, Product product, long workspace) {
            try (LongPointer bytes = new LongPointer(1).put(workspace)) {
                Cuda.checkProduct(
                        cublas.cublasLtMatmulPreferenceSetAttribute(
                                wishes, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, bytes, Long.BYTES),
                        "cublasLtMatmulPreferenceSetAttribute",
                        product);
            }
        }

        private static void wish(cublasLtMatmulPreferenceOpaque_t wishes, Product product, int attribute, Side side) {
            try (IntPointer bytes = new IntPointer(1).put(side.alignment())) {
                Cuda.checkProduct(
                        cublas.cublasLtMatmulPreferenceSetAttribute(wishes, attribute, bytes, Integer.BYTES),
                        "cublasLtMatmulPreferenceSetAttribute",
                        product);
            }
        }

        void destroy() {
            cublas.cublasLtMatrixLayoutDestroy(a);
            cublas.cublasLtMatrixLayoutDestroy(b);
            cublas.cublasLtMatrixLayoutDestroy(c);
            cublas.cublasLtMatmulDescDestroy(operation);
            named.deallocate();
            restored.deallocate();
        }
    }

    void multiply(Product product) {
        Shape shape = Shape.of(product);
        Plan plan = plans.get(shape);
        if (plan == null) {
            plan = plan(shape, product);
            plans.put(shape, plan);
        }
        Cuda.checkProduct(start(plan, plan.algorithm, product, product.c().address()), "cublasLtMatmul", product);
    }

    private int start(Plan plan, cublasLtMatmulAlgo_t algorithm, Product product, long result) {
        alpha.put((float) product.alpha());
        beta.put((float) product.beta());
        c.at(result);
        return cublas.cublasLtMatmul(
                handle,
                plan.operation,
                alpha,
                b.at(product.b().address()),
                plan.b,
                a.at(product.a().address()),
                plan.a,
                beta,
                c,
                plan.c,
                c,
                plan.c,
                algorithm,
                scratch.at(workspace),
                WORKSPACE_BYTES,
                stream);
    }

    private Plan plan(Shape shape, Product product) {
        double operations = 2.0 * product.m() * product.n() * product.k() * product.count();
        if (kept.isEmpty() || operations < LEAST_TIMED) {
            return new Plan(handle, shape, product, 1);
        }
        Plan plan = new Plan(handle, shape, product, MOST_CANDIDATES);
        String key = shape.toString();
        Optional<long[]> known = kept.get().find(key);
        if (known.isEmpty() || !plan.take(handle, known.get())) {
            // A choice that is lost would be another one, with other bits, in the next run.
            quickest(plan, product)
                    .flatMap(words -> kept.get().keep(key, words))
                    .ifPresent(words -> plan.take(handle, words));
        }
        return plan;
    }

    /** Times all candidates on the operands, with a result elsewhere; empty where there is no memory for one. */
    private Optional<long[]> quickest(Plan plan, Product product) {
        Product.Operand c = product.c();
        long elements = (product.count() - 1) * c.batchStride() + (product.m() - 1L) * c.rowStride() + product.n();
        long[] result = new long[1];
        // Neither waits for the card, which may be waiting for another that this process has yet to ask.
        if (cudart.cuMemAllocAsync(result, elements * c.type().bytes(), stream) != cudart.CUDA_SUCCESS) {
            return Optional.empty();
        }
        try {
            double[][] seconds = new double[plan.candidates][ROUNDS];
            for (int round = -1; round < ROUNDS; round++) {
                for (int i = 0; i < plan.candidates; i++) {
                    double time = time(plan, plan.candidate(i), product, result[0]);
                    // The first round warms up.
                    seconds[i][Math.max(0, round)] = time;
                }
            }
            cublasLtMatmulAlgo_t best = plan.candidate(KeptAlgorithms.best(seconds));
            long[] words = new long[KeptAlgorithms.WORDS];
            for (int i = 0; i < words.length; i++) {
                words[i] = best.data(i);
            }
            return Optional.of(words);
        } finally {
            cudart.cuMemFreeAsync(result[0], stream);
        }
    }

    private double time(Plan plan, cublasLtMatmulAlgo_t algorithm, Product product, long result) {
        try (CudaMoment before = new CudaMoment(stream)) {
            for (int i = 0; i < PRODUCTS_A_ROUND; i++) {
                if (start(plan, algorithm, product, result) != cublas.CUBLAS_STATUS_SUCCESS) {
                    return Double.POSITIVE_INFINITY;
                }
            }
            try (CudaMoment after = new CudaMoment(stream)) {
                return after.secondsSince(before);
            }
        }
    }

    @Override
    public void close() {
        plans.values().forEach(Plan::destroy);
        plans.clear();
        cublas.cublasLtDestroy(handle);
        alpha.deallocate();
        beta.deallocate();
    }
}

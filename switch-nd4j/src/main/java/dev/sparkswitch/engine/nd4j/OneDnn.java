package dev.sparkswitch.engine.nd4j;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.nd4j.OpenBlas.Turn;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;
import org.nd4j.nativeblas.NativeOpsHolder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Products by oneDNN of float32 matrices rounded to bfloat16, summed in float32. A factor is rounded once a product, before
 * threads take its tiles. oneDNN works out code for each shape, which every thread keeps for itself.
 */
final class OneDnn implements Multiplier {
    private static final Logger LOG = LoggerFactory.getLogger(OneDnn.class);
    /** Values that are rounded in one piece. */
    private static final int PIECE = 1 << 15;

    private final HostMemory memory;
    private final HostThreads threads;
    private final dnnl_engine engine = new dnnl_engine();
    private final Map<Thread, Session> sessions = new ConcurrentHashMap<>();

    private OneDnn(HostMemory memory, HostThreads threads) {
        this.memory = memory;
        this.threads = threads;
        check(dnnl.dnnl_engine_create(engine, dnnl.dnnl_cpu, 0), "an engine");
    }

    /** The library on this processor; a {@link LinkageError} where it is not part of this installation. */
    static OneDnn open(HostMemory memory, HostThreads threads) {
        OneDnn library = new OneDnn(memory, threads);
        if (!hasBfloat16()) {
            LOG.warn("this processor has no instructions for bfloat16 ({}): products are faster in float32", offer());
        }
        return library;
    }

    /** Whether the processor multiplies bfloat16 by instructions of its own. */
    private static boolean hasBfloat16() {
        int wanted = dnnl.dnnl_cpu_isa_avx512_core_bf16;
        return (dnnl.dnnl_get_effective_cpu_isa() & wanted) == wanted;
    }

    /** What the processor offers, in oneDNN's words. */
    static String offer() {
        int isa = dnnl.dnnl_get_effective_cpu_isa();
        if ((isa & dnnl.dnnl_cpu_isa_avx512_core_amx) == dnnl.dnnl_cpu_isa_avx512_core_amx) {
            return "AMX";
        }
        if (hasBfloat16()) {
            return "AVX-512 BF16";
        }
        if ((isa & dnnl.dnnl_cpu_isa_avx512_core) == dnnl.dnnl_cpu_isa_avx512_core) {
            return "AVX-512 alone";
        }
        return "instruction set " + Integer.toHexString(isa);
    }

    private static void check(int status, String what) {
        if (status != dnnl.dnnl_success) {
            throw new InternalException(
                    "oneDNN does not make " + what + ": status " + status + " on a processor with " + offer());
        }
    }

    @Override
    public Factor factor(HostTensor x) {
        int rows = x.rows();
        int width = x.extent(-1);
        HostTensor copy = HostTensor.owner(memory, DType.BFLOAT16, x.shape());
        int rowsOfPiece = Math.max(1, PIECE / Math.max(1, width));
        int pieces = (rows + rowsOfPiece - 1) / rowsOfPiece;
        threads.range(pieces, x.size(), (from, to) -> {
            Session session = session();
            for (int piece = from; piece < to; piece++) {
                int first = piece * rowsOfPiece;
                session.round(x, copy, first, Math.min(rows, first + rowsOfPiece));
            }
        });
        return new Factor(copy, copy);
    }

    @Override
    public void product(
            int m,
            int n,
            int k,
            double alpha,
            HostTensor a,
            Turn turnA,
            HostTensor b,
            Turn turnB,
            double beta,
            HostTensor c) {
        if (k == 0) {
            OpenBlas.product(m, n, k, alpha, a, turnA, b, turnB, beta, c);
            return;
        }
        session()
                .product(
                        new Shape(
                                m,
                                n,
                                k,
                                (float) alpha,
                                (float) beta,
                                a.rowStride(),
                                turnA,
                                b.rowStride(),
                                turnB,
                                c.rowStride()),
                        a,
                        b,
                        c);
    }

    private Session session() {
        return sessions.computeIfAbsent(Thread.currentThread(), thread -> new Session());
    }

    @Override
    public void close() {
        sessions.values().forEach(Session::close);
        sessions.clear();
        dnnl.dnnl_engine_destroy(engine);
    }

    /** What a product's code depends on. */
    private record Shape(
            int m,
            int n,
            int k,
            float alpha,
            float beta,
            int strideA,
            Turn turnA,
            int strideB,
            Turn turnB,
            int strideC) {}

    /** What the code of rounding depends on. */
    private record Rows(int rows, int width, int stride) {}

    /** Code and the places of its operands. */
    private record Primitive(dnnl_primitive code, dnnl_memory[] operands, dnnl_exec_arg_t arguments) {
        void close() {
            dnnl.dnnl_primitive_destroy(code);
            for (dnnl_memory operand : operands) {
                dnnl.dnnl_memory_destroy(operand);
            }
            arguments.deallocate();
        }
    }

    /** What one thread works with. */
    private final class Session {
        private final dnnl_stream stream = new dnnl_stream();
        private final Map<Shape, Primitive> products = new HashMap<>();
        private final Map<Rows, Primitive> roundings = new HashMap<>();

        Session() {
            // The library's own threads, of OpenMP, would be as many again for each of ours.
            NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(1);
            check(dnnl.dnnl_stream_create(stream, engine, dnnl.dnnl_stream_default_flags), "a stream");
        }

        void product(Shape shape, HostTensor a, HostTensor b, HostTensor c) {
            run(products.computeIfAbsent(shape, this::product), a, b, c);
        }

        void round(HostTensor from, HostTensor to, int first, int last) {
            int width = to.extent(-1);
            HostTensor matrix = from.axes() == 2 ? from : from.reshape(from.rows(), width);
            Rows rows = new Rows(last - first, width, matrix.rowStride());
            run(
                    roundings.computeIfAbsent(rows, this::rounding),
                    matrix.slice(first, last),
                    to.reshape(to.rows(), width).slice(first, last));
        }

        private void run(Primitive primitive, HostTensor... operands) {
            for (int i = 0; i < operands.length; i++) {
                check(
                        dnnl.dnnl_memory_set_data_handle(primitive.operands()[i], operands[i].pointer()),
                        "a place for an operand");
            }
            check(
                    dnnl.dnnl_primitive_execute(primitive.code(), stream, operands.length, primitive.arguments()),
                    "a product");
            check(dnnl.dnnl_stream_wait(stream), "an end of a product");
        }

        private Primitive product(Shape shape) {
            dnnl_memory_desc a = matrix(dnnl.dnnl_bf16, shape.m(), shape.k(), shape.strideA(), shape.turnA());
            dnnl_memory_desc b = matrix(dnnl.dnnl_bf16, shape.k(), shape.n(), shape.strideB(), shape.turnB());
            dnnl_memory_desc c = matrix(dnnl.dnnl_f32, shape.m(), shape.n(), shape.strideC(), Turn.NONE);
            dnnl_primitive_attr attributes = attributes(shape.alpha(), shape.beta());
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            check(
                    dnnl.dnnl_matmul_primitive_desc_create(description, engine, a, b, null, c, attributes),
                    "the product " + shape);
            Primitive made = primitive(
                    description, new dnnl_memory_desc[] {a, b, c}, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            return made;
        }

        private Primitive rounding(Rows rows) {
            dnnl_memory_desc from = matrix(dnnl.dnnl_f32, rows.rows(), rows.width(), rows.stride(), Turn.NONE);
            dnnl_memory_desc to = matrix(dnnl.dnnl_bf16, rows.rows(), rows.width(), rows.width(), Turn.NONE);
            dnnl_primitive_desc description = new dnnl_primitive_desc();
            check(
                    dnnl.dnnl_reorder_primitive_desc_create(description, from, engine, to, engine, null),
                    "the rounding of " + rows);
            return primitive(description, new dnnl_memory_desc[] {from, to}, DNNL_ARG_FROM, DNNL_ARG_TO);
        }

        /** Owns the descriptions from here on. */
        private Primitive primitive(dnnl_primitive_desc description, dnnl_memory_desc[] shapes, int... roles) {
            dnnl_primitive code = new dnnl_primitive();
            check(dnnl.dnnl_primitive_create(code, description), "a primitive");
            dnnl_memory[] operands = new dnnl_memory[shapes.length];
            dnnl_exec_arg_t arguments = new dnnl_exec_arg_t(shapes.length);
            for (int i = 0; i < shapes.length; i++) {
                operands[i] = new dnnl_memory();
                check(dnnl.dnnl_memory_create(operands[i], shapes[i], engine, null), "an operand");
                arguments.position(i).arg(roles[i]).memory(operands[i]);
                dnnl.dnnl_memory_desc_destroy(shapes[i]);
            }
            dnnl.dnnl_primitive_desc_destroy(description);
            return new Primitive(code, operands, arguments.position(0));
        }

        void close() {
            products.values().forEach(Primitive::close);
            roundings.values().forEach(Primitive::close);
            dnnl.dnnl_stream_destroy(stream);
        }
    }

    /** A matrix [rows, columns] once turned. */
    private static dnnl_memory_desc matrix(int type, long rows, long columns, long stride, Turn turn) {
        dnnl_memory_desc matrix = new dnnl_memory_desc();
        long[] strides =
                switch (turn) {
                    case NONE -> new long[] {stride, 1};
                    case TRANSPOSED -> new long[] {1, stride};
                };
        check(
                dnnl.dnnl_memory_desc_create_with_strides(matrix, 2, new long[] {rows, columns}, type, strides),
                "a matrix [" + rows + ", " + columns + "]");
        return matrix;
    }

    /** What becomes of a sum of products: times alpha, plus beta times what was there. */
    private static dnnl_primitive_attr attributes(float alpha, float beta) {
        dnnl_primitive_attr attributes = new dnnl_primitive_attr();
        dnnl_post_ops after = new dnnl_post_ops();
        check(dnnl.dnnl_primitive_attr_create(attributes), "attributes");
        check(dnnl.dnnl_post_ops_create(after), "attributes");
        if (alpha != 1) {
            check(
                    dnnl.dnnl_post_ops_append_eltwise(after, dnnl.dnnl_eltwise_linear, alpha, 0),
                    "a factor of a product");
        }
        if (beta != 0) {
            check(dnnl.dnnl_post_ops_append_sum(after, beta, 0, dnnl.dnnl_f32), "a product that adds");
        }
        check(dnnl.dnnl_primitive_attr_set_post_ops(attributes, after), "attributes");
        dnnl.dnnl_post_ops_destroy(after);
        return attributes;
    }
}

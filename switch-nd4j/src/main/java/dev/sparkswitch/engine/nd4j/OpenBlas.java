package dev.sparkswitch.engine.nd4j;

import static org.bytedeco.openblas.global.openblas.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas.CblasTrans;

import dev.sparkswitch.engine.DType;
import org.bytedeco.openblas.global.openblas;

/** Matrix products by OpenBLAS, the BLAS of ND4J's CPU backend, on matrices whose rows may be strided. */
final class OpenBlas {
    /** Whether a factor is taken as it stands or turned. */
    enum Turn {
        NONE(CblasNoTrans),
        TRANSPOSED(CblasTrans);

        private final int code;

        Turn(int code) {
            this.code = code;
        }
    }

    private OpenBlas() {}

    static void threads(int count) {
        openblas.blas_set_num_threads(count);
    }

    /** c[m, n] = alpha a[m, k] b[k, n] + beta c, where a and b are named as they are after turning. */
    static void product(
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
        if (m == 0 || n == 0) {
            return;
        }
        if (a.type() == DType.FLOAT64) {
            openblas.cblas_dgemm(
                    CblasRowMajor,
                    turnA.code,
                    turnB.code,
                    m,
                    n,
                    k,
                    alpha,
                    a.doublePointer(),
                    a.rowStride(),
                    b.doublePointer(),
                    b.rowStride(),
                    beta,
                    c.doublePointer(),
                    c.rowStride());
        } else {
            openblas.cblas_sgemm(
                    CblasRowMajor,
                    turnA.code,
                    turnB.code,
                    m,
                    n,
                    k,
                    (float) alpha,
                    a.floatPointer(),
                    a.rowStride(),
                    b.floatPointer(),
                    b.rowStride(),
                    (float) beta,
                    c.floatPointer(),
                    c.rowStride());
        }
    }
}

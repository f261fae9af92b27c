package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.ResourceException;
import java.io.IOException;
import java.util.Optional;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerPointer;

/** The CUDA libraries: that they are there, and what their answers mean. */
final class Cuda {
    /** Success in all of these libraries. */
    private static final int SUCCESS = 0;
    /** Why the libraries did not load at first; later attempts in the same process do not say. */
    private static String missing;

    private Cuda() {}

    /**
     * Loads the libraries and starts the driver.
     *
     * @throws ResourceException where libraries, driver or cards are missing
     */
    static synchronized void start() {
        bindings().ifPresent(CudaRequirements::bindings);
        try {
            Loader.load(cudart.class);
            Loader.load(nvrtc.class);
            Loader.load(cublas.class);
        } catch (LinkageError e) {
            if (missing == null) {
                missing = reason(e);
            }
            throw CudaRequirements.librariesMissing(missing, e);
        }
        int status = cudart.cuInit(0);
        if (status == cudart.CUDA_ERROR_NO_DEVICE) {
            throw CudaRequirements.noCard();
        }
        check(status, "cuInit", "the driver");
        int[] version = new int[1];
        check(cudart.cuDriverGetVersion(version), "cuDriverGetVersion", "the driver");
        CudaRequirements.driver(version[0]);
    }

    /** The version of the bindings on the class path, such as 13.1-9.19-1.5.13, where they say it. */
    private static Optional<String> bindings() {
        try {
            return Optional.of(Loader.getVersion("org.bytedeco", "cuda"));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** What the bindings found in the end; outside of it stands only that they found nothing. */
    static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    /** Throws where the driver did not succeed; {@code what} names the operation, its shapes or its file. */
    static void check(int status, String call, Object what) {
        if (status != SUCCESS) {
            throw failure(status, call, what);
        }
    }

    private static RuntimeException failure(int status, String call, Object what) {
        String text;
        try (PointerPointer<BytePointer> name = new PointerPointer<>(1);
                PointerPointer<BytePointer> description = new PointerPointer<>(1)) {
            text = cudart.cuGetErrorName(status, name) == SUCCESS
                            && cudart.cuGetErrorString(status, description) == SUCCESS
                    ? name.get(BytePointer.class, 0).getString() + ", "
                            + description.get(BytePointer.class, 0).getString()
                    : "error " + status;
        }
        String message = call + " of " + what + " failed: " + text;
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            return new ResourceException(message + "; choose a smaller batch, or end other programs on the card");
        }
        if (status == cudart.CUDA_ERROR_DEVICE_UNAVAILABLE
                || status == cudart.CUDA_ERROR_ECC_UNCORRECTABLE
                || status == cudart.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH
                || status == cudart.CUDA_ERROR_SYSTEM_NOT_READY) {
            return new ResourceException(message + "; look after the card or its driver (nvidia-smi), then try again");
        }
        return new InternalException(message
                + "; the fault may lie with work started before: with CUDA_LAUNCH_BLOCKING=1 in the environment the"
                + " operation named is the one that failed");
    }

    /** Throws where cuBLAS did not succeed. */
    static void checkProduct(int status, String call, Object what) {
        if (status != SUCCESS) {
            throw new InternalException(call + " of the product " + what + " failed: "
                    + cublas.cublasLtGetStatusName(status).getString() + ", "
                    + cublas.cublasLtGetStatusString(status).getString());
        }
    }

    /** Throws where the run-time compiler did not succeed. */
    static void checkCompiler(int status, String call, String file) {
        if (status != SUCCESS) {
            throw new InternalException(call + " of " + file + " failed: "
                    + nvrtc.nvrtcGetErrorString(status).getString());
        }
    }
}

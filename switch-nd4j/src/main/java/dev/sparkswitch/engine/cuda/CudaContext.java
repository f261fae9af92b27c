package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Precision;
import dev.sparkswitch.engine.Tensor;

/**
 * What every family of operations shares.
 *
 * @param device the card
 * @param memory its blocks
 * @param precision the engine's arithmetic
 */
record CudaContext(Device device, DeviceMemory memory, Precision precision) {
    /** A module's kernels for this engine's compute type. */
    Kernels kernels(String module) {
        return new Kernels(device, module, precision.compute());
    }

    /** A new tensor with undefined contents. */
    CudaTensor allocate(DType type, int... shape) {
        return CudaTensor.plain(memory, type, shape);
    }

    /** A new activation with undefined contents. */
    CudaTensor compute(int... shape) {
        return allocate(precision.compute(), shape);
    }

    /** A new gradient, moment, loss or number of the router with undefined contents. */
    CudaTensor master(int... shape) {
        return allocate(precision.master(), shape);
    }

    /** A new parameter with undefined contents: split where products are taken in bfloat16. */
    CudaTensor parameter(int... shape) {
        return precision == Precision.BF16 ? CudaTensor.split(memory, shape) : master(shape);
    }

    /** Whether parameters are split. */
    boolean splitsParameters() {
        return precision == Precision.BF16;
    }

    static CudaTensor cuda(Tensor tensor) {
        return (CudaTensor) tensor;
    }

    static void require(boolean condition, String operation, Tensor a, Tensor b) {
        if (!condition) {
            throw new IllegalArgumentException(operation + " does not take " + a + " with " + b);
        }
    }

    /** A kernel that takes a parameter reads it as this engine's parameters lie in memory. */
    CudaTensor parameter(String operation, Tensor tensor) {
        CudaTensor parameter = cuda(tensor);
        if (parameter.isSplit() != splitsParameters()) {
            throw new IllegalArgumentException(
                    operation + " takes a parameter, which allocateParameter makes; " + tensor + " is none");
        }
        return parameter;
    }
}

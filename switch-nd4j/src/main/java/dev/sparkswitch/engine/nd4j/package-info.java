/**
 * The engine on ND4J: memory of ND4J's backend, matrix products by its BLAS, everything else in loops of our own over the
 * same memory, since ND4J's element-wise operations cost microseconds each. The loops are written for float32; their
 * float64 twins are generated from them by the build, so that proofs in float64 run the same code.
 */
package dev.sparkswitch.engine.nd4j;

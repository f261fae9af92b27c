/**
 * The engine on CUDA cards: kernels of our own (resources {@code *.cu}), matrix products by cuBLASLt. All that touches a
 * card stands behind the package-private border {@code Device}, so that the kernels and this engine can be tested on a
 * machine without one; see docs/adr/0009.
 */
package dev.sparkswitch.engine.cuda;

/** Collective communication between ranks: sums, exchanges, broadcasts. Knows tensors' types, never the model. */
package dev.sparkswitch.collective;

/**
 * Tensors on disk: safetensors files, Hugging Face's folders and the checkpoints of a run, on any Hadoop file system.
 * Knows the model's configuration and parameter names; never engines' memory, ranks or training.
 *
 * <p>Tensors come and go as bytes: a name, a type, a shape and a buffer in native order.
 */
package dev.sparkswitch.checkpoint;

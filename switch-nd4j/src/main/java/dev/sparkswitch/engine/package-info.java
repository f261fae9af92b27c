/** Engines own memory and coarse operations on tensors. They know nothing of models, ranks or files. */
package dev.sparkswitch.engine;

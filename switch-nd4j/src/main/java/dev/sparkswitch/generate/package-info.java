/** Writing text with a trained model: from token ids to token ids. */
package dev.sparkswitch.generate;

"""From a label to a ready node: images, providers and the way in; what runs there is not its business."""

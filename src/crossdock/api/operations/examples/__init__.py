"""One of each thing that is shown, for the API's description; made of the models, so that none can be untrue."""
